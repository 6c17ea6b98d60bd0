"""Authentication: keys from the environment, kept as hashes, their scopes and rates."""

import hashlib
import hmac
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Request, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from python_models.common.errors import UserError
from python_models.delivery.service.errors import api_error

VARIABLE = "LEADLIGHT_API_KEYS"
# Requests of an address without a good key: on average, and at once.
WRONG_KEYS_PER_SECOND, WRONG_KEYS_AT_ONCE = 5.0, 50.0
SCOPES = ("read", "score")
MIN_SECRET_LENGTH = 16
_ENTRY = re.compile(r"(?P<name>[A-Za-z0-9._-]+):(?P<scopes>[a-z+]+):(?P<secret>\S+)")


@dataclass(frozen=True)
class Key:
    """A key's name, what it may do, and the SHA-256 of its secret, which is not kept."""

    name: str
    scopes: frozenset[str]
    digest: bytes


def read_keys(environment: Mapping[str, str]) -> list[Key]:
    """Read the keys in `LEADLIGHT_API_KEYS`: entries `name:scopes:secret`, separated by blanks or commas.

    Raises
    ------
    UserError
        Without a key; for an entry that is not of that form. No message holds a secret.
    """
    keys: list[Key] = []
    for number, entry in enumerate(environment.get(VARIABLE, "").replace(",", " ").split(), start=1):
        match = _ENTRY.fullmatch(entry)
        if not match:
            raise UserError(
                f"{VARIABLE}, entry {number}: it must be name:scopes:secret, such as crm:read+score:..."
            )
        scopes = frozenset(match["scopes"].split("+"))
        if unknown := sorted(scopes - set(SCOPES)):
            raise UserError(
                f"{VARIABLE}, entry {number} ({match['name']}): scope '{unknown[0]}' is unknown; allowed are "
                "read, score and read+score."
            )
        if len(match["secret"]) < MIN_SECRET_LENGTH:
            raise UserError(
                f"{VARIABLE}, entry {number} ({match['name']}): the secret has fewer than "
                f"{MIN_SECRET_LENGTH} characters. Make one: "
                "python -c 'import secrets; print(secrets.token_urlsafe(32))'"
            )
        key = Key(match["name"], scopes, hashlib.sha256(match["secret"].encode()).digest())
        if key.name in {other.name for other in keys} or key.digest in {other.digest for other in keys}:
            raise UserError(f"{VARIABLE}, entry {number} ({match['name']}): name or secret is there twice.")
        keys.append(key)
    if not keys:
        raise UserError(
            f"{VARIABLE} is empty: without a key the service does not start. Set name:scopes:secret, such as "
            "crm:read+score:..., the secret of 16 characters or more."
        )
    return keys


def authenticate(keys: list[Key], secret: str) -> Key | None:
    """Return the key with that secret; all are compared, each in constant time."""
    digest = hashlib.sha256(secret.encode()).digest()
    found = [key for key in keys if hmac.compare_digest(key.digest, digest)]
    return found[0] if found else None


@dataclass
class RateLimiter:
    """A token bucket per name: `per_second` tokens flow in, it holds at most `burst`.

    The names used last are remembered, `max_names` of them.
    """

    per_second: float
    burst: float
    max_names: int = 10_000
    levels: dict[str, tuple[float, float]] = field(default_factory=dict)

    def acquire(self, name: str) -> float:
        """Take a token and return 0; without one return the seconds until there is one."""
        now = time.monotonic()
        level, since = self.levels.pop(name, (self.burst, now))
        if len(self.levels) >= self.max_names:
            del self.levels[next(iter(self.levels))]
        level = min(self.burst, level + (now - since) * self.per_second)
        if level < 1:
            self.levels[name] = (level, now)
            return (1 - level) / self.per_second
        self.levels[name] = (level - 1, now)
        return 0.0


_bearer = HTTPBearer(auto_error=False, description="A key of LEADLIGHT_API_KEYS.")
_header = APIKeyHeader(name="X-API-Key", auto_error=False, description="The same, as a header of its own.")


def require_scope(scope: str) -> Callable[..., Awaitable[Key]]:
    """Return a dependency that lets in keys of a scope, at their rate."""

    async def check(
        request: Request,
        token: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
        header: Annotated[str | None, Security(_header)],
    ) -> Key:
        secret = token.credentials if token else header
        key = authenticate(request.app.state.keys, secret) if secret else None
        if key is None:
            # a good key is never refused because of others' wrong ones, even from the same address
            _limit(request.app.state.wrong_keys, request.client.host if request.client else "", "wrong keys")
            message = "no key was given" if not secret else "the key is not known"
            raise api_error(
                "no_key",
                f"{message}; send it as Authorization: Bearer ... or X-API-Key",
                401,
                {"WWW-Authenticate": "Bearer"},
            )
        request.state.audit["key"] = key.name
        _limit(request.app.state.rate_limiter, key.name, "requests")
        if scope not in key.scopes:
            raise api_error(
                "wrong_scope",
                f"the key '{key.name}' may not {scope}; its scopes are {', '.join(sorted(key.scopes))}",
                403,
            )
        return key

    return check


def _limit(limiter: RateLimiter, name: str, what: str) -> None:
    """Refuse what comes too often."""
    if wait := limiter.acquire(name):
        seconds = max(1, round(wait))
        raise api_error(
            "too_many_requests",
            f"more than {limiter.per_second:g} {what} a second; wait {seconds} s",
            429,
            {"Retry-After": str(seconds)},
        )
