"""Types of columns that are stored otherwise than they are read."""

import struct
from datetime import UTC, datetime

from sqlalchemy import DateTime, LargeBinary, TypeDecorator

_STEPS, _NO_SHARE = 65534, 65535


class UtcDateTime(TypeDecorator[datetime]):
    """A time in UTC. SQLite does not store the time zone, so reading adds it."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: object) -> datetime | None:
        """Return the time with its time zone."""
        return value.replace(tzinfo=UTC) if value and value.tzinfo is None else value


class ClassShares(TypeDecorator[tuple[float | None, ...]]):
    """A number in [0, 1] or None for each class, in two bytes per class.

    Numbers are rounded to multiples of 1/65534; 65535 stands for None. For 10,000 trials with 50
    epochs per rung and 20 classes, this takes 40 MB. As JSON it would be most of the database.
    """

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(
        self, value: tuple[float | None, ...] | None, dialect: object
    ) -> bytes | None:
        """Return the little-endian bytes."""
        if value is None:
            return None
        steps = (_NO_SHARE if each is None else round(each * _STEPS) for each in value)
        return struct.pack(f"<{len(value)}H", *steps)

    def process_result_value(
        self, value: bytes | None, dialect: object
    ) -> tuple[float | None, ...] | None:
        """Return the numbers with five digits, which is their precision."""
        if value is None:
            return None
        steps = struct.unpack(f"<{len(value) // 2}H", value)
        return tuple(None if each == _NO_SHARE else round(each / _STEPS, 5) for each in steps)
