"""Whether a model or segmenter has to be fitted again."""

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
