"""An epoch has values of any scores, by name.

Revision 0010, after 0009.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Bring the schema up to this revision."""
    op.add_column("searchctl_epochs", sa.Column("scores", sa.JSON(), nullable=True))
