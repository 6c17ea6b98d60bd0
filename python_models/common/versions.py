"""Whether rows and declaration are those of the newest version of a model or segmenter."""

from typing import Any


def newest_fingerprint(known: Any) -> str | None:
    """Fingerprint of the model trained last."""
    row = known.order("trained_at desc").project("fingerprint").limit(1).fetchall()
    return row[0][0] if row else None


def retrains(meta: dict[str, Any]) -> bool:
    """Whether the project asks for training even where nothing changed."""
    return str(meta.get("retrain", False)).lower() == "true"
