"""A sweep knows the files that its trials begin with, a job what it began with.

Revision 0003, after 0002.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Bring the schema up to this revision."""
    with op.batch_alter_table("searchctl_sweeps") as sweeps:
        sweeps.add_column(
            sa.Column("initial_files", sa.JSON(), nullable=False, server_default="{}")
        )
    with op.batch_alter_table("searchctl_jobs") as jobs:
        jobs.add_column(sa.Column("initial_weights", sa.Text(), nullable=False, server_default=""))
