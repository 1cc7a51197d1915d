"""A job has a hash of what it computes, its hardware, and the job that it is a copy of.

Revision 0011, after 0010.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Bring the schema up to this revision."""
    for column in (
        sa.Column("content_hash", sa.String(length=64), nullable=True),
        sa.Column("hardware", sa.String(length=200), nullable=True),
        sa.Column("reused_from", sa.JSON(), nullable=True),
    ):
        op.add_column("searchctl_jobs", column)
    op.create_index("ix_searchctl_jobs_content_hash", "searchctl_jobs", ["content_hash"])
