"""An epoch has the accuracy on the validation set, a finalist's job a picture of its features.

Revision 0004, after 0003.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Bring the schema up to this revision."""
    with op.batch_alter_table("searchctl_epochs") as epochs:
        epochs.add_column(sa.Column("val_accuracy", sa.Float(), nullable=True))
    with op.batch_alter_table("searchctl_jobs") as jobs:
        jobs.add_column(sa.Column("features", sa.Text(), nullable=True))
