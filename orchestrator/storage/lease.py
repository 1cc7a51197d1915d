"""The lease on a sweep allows only one driver at a time. It uses the database's clock.

An expired lease still belongs to its holder until another driver takes it. So a driver that could
not reach the database for an hour continues, unless another driver has started.
"""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Engine, bindparam, or_, select, update

from searchctl.orchestrator.core.errors import LeaseLost
from searchctl.orchestrator.storage.connect import database_now
from searchctl.orchestrator.storage.schema import sweeps

# A constant: every transaction of a driver starts with it, and building it takes longer than
# running it.
_RENEWAL = (
    update(sweeps)
    .where(sweeps.c.id == bindparam("sweep"), sweeps.c.lease_token == bindparam("ours"))
    .values(lease_expires=database_now() + bindparam("ttl_s"))
)


LONGEST_S = 600.0
"""Seconds; a lease that expires later was taken before the clock was put back."""


def is_held(expires: ColumnElement[float]) -> ColumnElement[bool]:
    """Return the condition that a lease with this expiry is held by a driver that may be alive."""
    return expires.between(database_now(), database_now() + LONGEST_S)


@dataclass(frozen=True)
class Holder:
    """The holder of a sweep's lease."""

    token: str
    owner: str
    """Name of the driver for messages: host and process id."""
    expires_in: float
    """Remaining seconds on the database's clock; negative after the expiry."""
    expires: float
    """The expiry in seconds since 1970. It changes with every renewal, whatever the clock does."""


def acquire(
    engine: Engine,
    sweep_id: int,
    token: str,
    owner: str,
    ttl_s: float,
    *,
    replacing: str | None = None,
) -> Holder | None:
    """Take the lease if it is free, expired or already ours.

    Args:
        engine: the database.
        sweep_id: the sweep's id.
        token: token of this driver; no other driver ever uses it.
        owner: name of this driver for messages: host and process id.
        ttl_s: seconds until the lease expires unless it is renewed.
        replacing: token of a holder that is known to be dead and is replaced at once.

    Returns:
        None if the lease is ours. Otherwise its holder; nothing was changed then.
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
        desired_state="RUNNING",  # an earlier request to stop was for the previous driver
    )
    while True:
        with engine.begin() as connection:
            if connection.execute(claim).rowcount:
                return None
            other = _holder(connection, sweep_id)
        if other:  # otherwise it was released between the two statements: try again
            return other


def renew(engine: Engine, sweep_id: int, token: str, ttl_s: float) -> str:
    """Renew the lease for `ttl_s` seconds from now; return the sweep's desired state.

    Raises:
        LeaseLost: another driver holds the lease, or it was released.
    """
    with engine.begin() as connection:
        hold(connection, sweep_id, token, ttl_s)
        desired = select(sweeps.c.desired_state).where(sweeps.c.id == sweep_id)
        return str(connection.execute(desired).scalar_one())


def hold(connection: Connection, sweep_id: int, token: str, ttl_s: float) -> None:
    """Check, renew and lock the lease in one statement until the end of the transaction.

    This must be the first statement of its transaction. No other driver can take the lease before
    the transaction ends, and it finds the lease renewed afterwards.

    Raises:
        LeaseLost: another driver holds the lease, or it was released.
    """
    held = {"sweep": sweep_id, "ours": token, "ttl_s": ttl_s}
    if connection.execute(_RENEWAL, held).rowcount:
        return
    other = _holder(connection, sweep_id)
    reason = f"another driver ({other.owner}) has taken it over" if other else "it was released"
    raise LeaseLost(f"this driver has lost the sweep's lease: {reason}; nothing more was stored")


def release(engine: Engine, sweep_id: int, token: str) -> None:
    """Release the lease; do nothing if it is not ours."""
    ours = (sweeps.c.id == sweep_id) & (sweeps.c.lease_token == token)
    with engine.begin() as connection:
        connection.execute(
            update(sweeps)
            .where(ours)
            .values(lease_token=None, lease_owner=None, lease_expires=None)
        )


def holder(engine: Engine, sweep_id: int) -> Holder | None:
    """Return the holder of the lease, expired or not; None if it is free."""
    with engine.connect() as connection:
        return _holder(connection, sweep_id)


def _holder(connection: Connection, sweep_id: int) -> Holder | None:
    left = (sweeps.c.lease_expires - database_now()).label("expires_in")
    query = select(sweeps.c.lease_token, sweeps.c.lease_owner, left, sweeps.c.lease_expires)
    token, *rest = connection.execute(query.where(sweeps.c.id == sweep_id)).one()
    return Holder(token, *rest) if token else None
