"""JSON texts that end with the SHA-256 of their own content, so that damage is found before they are used."""

import hashlib
import json
from typing import Any

from python_models.common.errors import UserError

_KEY = ', "sha256": "'


def seal(content: dict[str, Any]) -> str:
    """Return an object as JSON, with the SHA-256 of its text as the last key.

    >>> seal({"trees": 2})[:36]
    '{"trees": 2, "sha256": "b9b58c927ceb'
    """
    text = json.dumps(content)
    return f'{text[:-1]}{_KEY}{_digest(text)}"}}'


def unseal(sealed: str, name: str) -> dict[str, Any]:
    """Return the object that was sealed; `name` says in errors whose it is.

    Raises
    ------
    UserError
        Where the text has no SHA-256, or another content than was sealed.
    """
    text, key, digest = sealed.rpartition(_KEY)
    if not key:
        raise UserError(f"{name} has no SHA-256: it is cut short, or of an earlier release. {_REMEDY}")
    text += "}"
    if digest != f'{_digest(text)}"}}':
        raise UserError(f"{name} is damaged: its content does not match its SHA-256. {_REMEDY}")
    content: dict[str, Any] = json.loads(text)
    return content


_REMEDY = "Train it again: dbt build --full-refresh."


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
