"""A sweep has a lease, an attempt an outcome.

Revision 0002, after 0001.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

# each is the beginning of a unique key's index
REDUNDANT = (
    ("searchctl_trials", "sweep_id"),
    ("searchctl_jobs", "trial_id"),
    ("searchctl_attempts", "job_id"),
    ("searchctl_decisions", "trial_id"),
)

# An attempt of before had no outcome: the last one of a job that has ended is what the job became.
# Any other was lost, or stopped; one that a dead driver left open counts as stopped.
OUTCOMES = """
UPDATE searchctl_attempts SET outcome = COALESCE(
    (SELECT CASE searchctl_jobs.state
        WHEN 'COMPLETE' THEN 'complete' WHEN 'DIVERGED' THEN 'diverged' WHEN 'FAIL' THEN 'failed' END
    FROM searchctl_jobs
    WHERE searchctl_jobs.id = searchctl_attempts.job_id
        AND searchctl_attempts.number = (
            SELECT MAX(later.number) FROM searchctl_attempts AS later
            WHERE later.job_id = searchctl_attempts.job_id)),
    CASE WHEN error IS NULL OR error = 'stopped' THEN 'stopped' ELSE 'lost' END
)
"""


def upgrade() -> None:
    """Bring the schema up to this revision."""
    with op.batch_alter_table("searchctl_sweeps") as sweeps:
        sweeps.add_column(sa.Column("lease_token", sa.String(length=32), nullable=True))
        sweeps.add_column(sa.Column("lease_owner", sa.Text(), nullable=True))
        sweeps.add_column(sa.Column("lease_expires", sa.Float(), nullable=True))
    with op.batch_alter_table("searchctl_attempts") as attempts:
        attempts.add_column(sa.Column("worker", sa.Text(), nullable=True))
        attempts.add_column(sa.Column("outcome", sa.String(length=16), nullable=True))
        attempts.add_column(sa.Column("first_epoch", sa.Integer(), nullable=True))
        attempts.add_column(sa.Column("gpus", sa.Float(), nullable=True))
    op.execute(OUTCOMES)
    for table, column in REDUNDANT:
        op.drop_index(f"ix_{table}_{column}", table_name=table)
    is_open = sa.text("outcome IS NULL")
    op.create_index(
        "uq_searchctl_attempts_open",
        "searchctl_attempts",
        ["job_id"],
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
