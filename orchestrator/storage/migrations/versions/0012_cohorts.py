"""A sweep has one or several cohorts of trials; a trial belongs to one, and has an origin.

Revision 0012, after 0011.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

# PostgreSQL's own name for a key without one; SQLite keeps none, so that it is named for a moment
_OLD_KEY = "searchctl_trials_sweep_id_params_hash_key"
_NAMES = {"uq": "%(table_name)s_%(column_0_N_name)s_key"}


def upgrade() -> None:
    """Bring the schema up to this revision."""
    first = sa.Column("cohort", sa.Integer(), nullable=False, server_default="0")
    op.add_column("searchctl_trials", first)
    drawn = sa.Column("origin", sa.String(length=8), nullable=False, server_default="random")
    op.add_column("searchctl_trials", drawn)
    with op.batch_alter_table("searchctl_trials", naming_convention=_NAMES) as trials:
        trials.drop_constraint(_OLD_KEY, type_="unique")
        trials.create_unique_constraint(
            "uq_searchctl_trials_params", ["sweep_id", "cohort", "params_hash"]
        )
    op.create_table(
        "searchctl_cohorts",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("sweep_id", sa.Integer(), sa.ForeignKey("searchctl_sweeps.id"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("request", sa.Integer(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("trials", sa.Integer(), nullable=False),
        sa.Column("method", sa.String(length=16), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("min_fraction", sa.String(length=40), nullable=True),
        sa.Column("ladder", sa.JSON(), nullable=False),
        sa.Column("lag", sa.Integer(), nullable=False),
        sa.Column("sources", sa.JSON(), nullable=False),
        sa.Column("retried", sa.JSON(), nullable=False, server_default="[]"),
        sa.Column("drawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("source_trials", sa.JSON(), nullable=True),
        sa.Column("versions", sa.JSON(), nullable=True),
        sa.UniqueConstraint("sweep_id", "number"),
    )
    connection = op.get_bind()
    for sweep in connection.execute(sa.select(_SWEEPS)).mappings().all():
        connection.execute(sa.insert(_COHORTS).values(_only_cohort(connection, sweep)))
        if _method(sweep) == "grid":
            mine = _TRIALS.c.sweep_id == sweep["id"]
            connection.execute(sa.update(_TRIALS).where(mine).values(origin="grid"))


_SWEEPS = sa.table(
    "searchctl_sweeps",
    sa.column("id", sa.Integer()),
    sa.column("spec", sa.JSON()),
    sa.column("ladder", sa.JSON()),
    sa.column("versions", sa.JSON()),
    sa.column("created_at", sa.DateTime(timezone=True)),
)
_TRIALS = sa.table(
    "searchctl_trials",
    sa.column("sweep_id", sa.Integer()),
    sa.column("origin", sa.String()),
)
_COHORTS = sa.table(
    "searchctl_cohorts",
    *(sa.column(name, sa.Integer()) for name in ("sweep_id", "number", "request", "trials")),
    *(sa.column(name, sa.DateTime(timezone=True)) for name in ("requested_at", "drawn_at")),
    *(sa.column(name, sa.JSON()) for name in ("settings", "ladder", "sources", "versions")),
    sa.column("source_trials", sa.JSON()),
    sa.column("method", sa.String()),
    sa.column("min_fraction", sa.String()),
    sa.column("seed", sa.BigInteger()),
    sa.column("lag", sa.Integer()),
)


def _method(sweep: Any) -> str:
    return str(sweep["spec"].get("search", {}).get("method", "grid"))


def _only_cohort(connection: sa.Connection, sweep: Any) -> dict[str, Any]:
    """Return the cohort of a sweep that was launched before there were several."""
    mine = _TRIALS.c.sweep_id == sweep["id"]
    spec = sweep["spec"]
    trials = connection.execute(sa.select(sa.func.count()).select_from(_TRIALS).where(mine))
    return {
        "sweep_id": sweep["id"],
        "number": 0,
        "request": 0,
        "requested_at": sweep["created_at"],
        "trials": trials.scalar_one(),
        "method": _method(sweep),
        "settings": {},
        "seed": spec.get("seed", 0),
        "min_fraction": spec.get("halving", {}).get("min_fraction"),
        "ladder": sweep["ladder"],
        "lag": 2,
        "sources": [],
        "drawn_at": sweep["created_at"],
        "source_trials": [],
        "versions": sweep["versions"],
    }
