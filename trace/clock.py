"""The only clock: aware UTC, in milliseconds, so that what is stored is what was meant."""

from datetime import UTC, datetime


def now() -> datetime:
    """The present moment, timezone-aware UTC, truncated to milliseconds (the log's precision)."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def rfc3339(moment: datetime) -> str:
    """`2026-11-22T03:00:01.123Z`: UTC, always three decimals.

    Raises ValueError for a naive datetime: its zone would be a guess.
    """
    if moment.tzinfo is None:
        raise ValueError("naive datetime")
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
