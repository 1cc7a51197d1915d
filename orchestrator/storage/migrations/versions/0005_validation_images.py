"""A sweep knows the names and groups of its validation images.

Revision 0005, after 0004.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Bring the schema up to this revision."""
    with op.batch_alter_table("searchctl_sweeps") as sweeps:
        sweeps.add_column(sa.Column("val_images", sa.JSON(), nullable=False, server_default="[]"))
