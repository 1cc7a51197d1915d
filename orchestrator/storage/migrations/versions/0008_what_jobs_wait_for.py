"""A sweep tells what its jobs wait for that have no room to begin.

Revision 0008, after 0007.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Bring the schema up to this revision."""
    op.add_column("searchctl_sweeps", sa.Column("waiting", sa.JSON(), nullable=True))
