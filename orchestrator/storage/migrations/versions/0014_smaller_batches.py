"""A job has the batch that it was trained with, where that of its settings ran out of memory.

Revision 0014, after 0013.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Bring the schema up to this revision."""
    op.add_column("searchctl_jobs", sa.Column("batch", sa.JSON(), nullable=True))
