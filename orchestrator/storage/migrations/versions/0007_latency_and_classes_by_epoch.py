"""A job has the latency of its network, an epoch the IoU of each class.

Revision 0007, after 0006.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Bring the schema up to this revision."""
    op.add_column("searchctl_jobs", sa.Column("latency_ms", sa.Float(), nullable=True))
    op.add_column("searchctl_epochs", sa.Column("val_class_iou", sa.LargeBinary(), nullable=True))
