"""The lease on a sweep: keeps two drivers apart, on the database's clock.

A lease that has expired and that nobody took over is still its holder's: a driver that was cut off
from the database for an hour goes on, unless another one has begun.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, Engine, bindparam, or_, select, update

from searchctl.orchestrator.core.errors import LeaseLost
from searchctl.orchestrator.storage.connect import database_now
from searchctl.orchestrator.storage.schema import sweeps

# made once: it begins every transaction of a driver, and making it takes longer than running it
_RENEWAL = (
    update(sweeps)
    .where(sweeps.c.id == bindparam("sweep"), sweeps.c.lease_token == bindparam("ours"))
    .values(lease_expires=database_now() + bindparam("ttl_s"))
)


@dataclass(frozen=True)
class Holder:
    """Who holds a sweep's lease."""

    token: str
    owner: str
    """The driver, for people: host and process."""
    expires_in: float
    """Seconds left on the database's clock; negative once it has expired."""


def acquire(
    engine: Engine,
    sweep_id: int,
    token: str,
    owner: str,
    ttl_s: float,
    *,
    replacing: str | None = None,
) -> Holder | None:
    """Take the lease if it is free, expired or ours already; return who else holds it.

    Args:
        engine: the database.
        sweep_id: the sweep's id.
        token: of this driver, never used by another.
        owner: this driver, for people: host and process.
        ttl_s: seconds until it expires unless renewed.
        replacing: token of a holder that is known to be dead: it is replaced at once.

    Returns:
        None: the lease is ours. Else its holder, and nothing was changed.
    """
    free = or_(
        sweeps.c.lease_token.is_(None),
        sweeps.c.lease_token.in_([token, replacing or token]),
        sweeps.c.lease_expires < database_now(),
    )
    claim = update(sweeps).where(sweeps.c.id == sweep_id, free)
    claim = claim.values(
        lease_token=token,
        lease_owner=owner,
        lease_expires=database_now() + ttl_s,
        desired_state="RUNNING",  # a stop was meant for the driver of then
    )
    while True:
        with engine.begin() as connection:
            if connection.execute(claim).rowcount:
                return None
            other = _holder(connection, sweep_id)
        if other:  # else it was released between the two statements
            return other


def renew(engine: Engine, sweep_id: int, token: str, ttl_s: float) -> str:
    """Put the expiry off to `ttl_s` seconds from now; return the sweep's desired state.

    Raises:
        LeaseLost: the token is no longer the holder's.
    """
    with engine.begin() as connection:
        hold(connection, sweep_id, token, ttl_s)
        desired = select(sweeps.c.desired_state).where(sweeps.c.id == sweep_id)
        return str(connection.execute(desired).scalar_one())


def hold(connection: Connection, sweep_id: int, token: str, ttl_s: float) -> None:
    """Check, renew and lock the lease in one statement, until the transaction ends.

    Must be the first statement of its transaction. Nobody can take the lease over before the
    transaction has ended, and then finds it renewed.

    Raises:
        LeaseLost: the token is no longer the holder's.
    """
    held = {"sweep": sweep_id, "ours": token, "ttl_s": ttl_s}
    if connection.execute(_RENEWAL, held).rowcount:
        return
    other = _holder(connection, sweep_id)
    who = f"another driver ({other.owner}) has taken it over" if other else "it was released"
    raise LeaseLost(f"this driver has lost the sweep's lease: {who}; nothing more was stored")


def release(engine: Engine, sweep_id: int, token: str) -> None:
    """Give the lease back; does nothing if it is not ours (any more)."""
    ours = (sweeps.c.id == sweep_id) & (sweeps.c.lease_token == token)
    with engine.begin() as connection:
        connection.execute(
            update(sweeps)
            .where(ours)
            .values(lease_token=None, lease_owner=None, lease_expires=None)
        )


def holder(engine: Engine, sweep_id: int) -> Holder | None:
    """Return who holds the lease, expired or not; None if nobody does."""
    with engine.connect() as connection:
        return _holder(connection, sweep_id)


def _holder(connection: Connection, sweep_id: int) -> Holder | None:
    left = (sweeps.c.lease_expires - database_now()).label("expires_in")
    query = select(sweeps.c.lease_token, sweeps.c.lease_owner, left)
    token, owner, expires_in = connection.execute(query.where(sweeps.c.id == sweep_id)).one()
    return Holder(token, owner, expires_in) if token else None
