"""A trial may have jobs after the ladder: repeats with other seeds, and an audit.

Revision 0006, after 0005.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

# PostgreSQL's own name for a key without one; SQLite keeps none, so that it is named for a moment
_OLD_KEY = "searchctl_jobs_trial_id_rung_key"
_NAMES = {"uq": "%(table_name)s_%(column_0_N_name)s_key"}
_KEY = "uq_searchctl_jobs"


def upgrade() -> None:
    """Bring the schema up to this revision."""
    on_ladder = sa.Column("kind", sa.String(length=8), nullable=False, server_default="ladder")
    op.add_column("searchctl_jobs", on_ladder)
    no_repeat = sa.Column("repeat", sa.Integer(), nullable=False, server_default="0")
    op.add_column("searchctl_jobs", no_repeat)
    with op.batch_alter_table("searchctl_jobs", naming_convention=_NAMES) as jobs:
        jobs.drop_constraint(_OLD_KEY, type_="unique")
        jobs.create_unique_constraint(_KEY, ["trial_id", "rung", "kind", "repeat"])
