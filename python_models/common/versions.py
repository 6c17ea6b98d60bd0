"""Whether a model or segmenter has to be fitted again, and the time that it is dated with."""

from datetime import UTC, date, datetime
from typing import Any


def newest_fingerprint(existing: Any) -> str | None:
    """Return the fingerprint of the model trained last."""
    row = existing.order("trained_at desc").project("fingerprint").limit(1).fetchall()
    return row[0][0] if row else None


def retrains(meta: dict[str, Any]) -> bool:
    """Return whether the project asks for training even if nothing has changed.

    >>> retrains({"retrain": "True"})
    True
    """
    return str(meta.get("retrain", False)).lower() == "true"


def build_time(meta: dict[str, Any]) -> datetime:
    """Return the time of the build in UTC, on the day that the variable `today` names if it names one.

    >>> build_time({"today": "2026-11-30"}).date()
    datetime.date(2026, 11, 30)
    """
    now = datetime.now(UTC).replace(tzinfo=None)
    today = str(meta.get("today") or "")
    return datetime.combine(date.fromisoformat(today), now.time()) if today else now
