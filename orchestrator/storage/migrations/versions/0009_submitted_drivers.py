"""Which Ray jobs drivers were submitted as, also those that never came to store their sweep.

Revision 0009, after 0008.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Bring the schema up to this revision."""
    op.create_table(
        "searchctl_submissions",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("job", sa.String(length=200), nullable=False, unique=True),
        sa.Column("sweep", sa.String(length=200), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_searchctl_submissions_sweep", "searchctl_submissions", ["sweep"])
