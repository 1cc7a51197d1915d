"""A sweep has what was measured for its limits; a decision has the limits that a trial exceeds.

Revision 0013, after 0012.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Bring the schema up to this revision."""
    exceeded = sa.Column("violation", sa.Text(), nullable=False, server_default="")
    op.add_column("searchctl_decisions", exceeded)
    op.create_table(
        "searchctl_measurements",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("sweep_id", sa.Integer(), sa.ForeignKey("searchctl_sweeps.id"), nullable=False),
        sa.Column("quantity", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("hardware", sa.String(length=200), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("trial", sa.Integer(), nullable=False),
        sa.Column("rung", sa.Integer(), nullable=False),
        sa.UniqueConstraint("sweep_id", "quantity", "subject", "hardware"),
    )
