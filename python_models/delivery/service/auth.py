"""Who may ask, for what and how often: keys from the environment, kept as hashes."""

import hashlib
import hmac
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from python_models.common.errors import UserError

VARIABLE = "LEADLIGHT_API_KEYS"
SCOPES = ("read", "score")
SHORTEST = 16
_ENTRY = re.compile(r"(?P<name>[A-Za-z0-9._-]+):(?P<scopes>[a-z+]+):(?P<secret>\S+)")


@dataclass(frozen=True)
class Key:
    """A key's name, what it may do, and the SHA-256 of its secret, which is not kept."""

    name: str
    scopes: frozenset[str]
    digest: bytes


def read_keys(environment: Mapping[str, str]) -> list[Key]:
    """The keys in `LEADLIGHT_API_KEYS`: entries `name:scopes:secret`, by blanks or commas apart.

    Raises
    ------
    UserError
        Without a key; for an entry that is not of that form. No message holds a secret.
    """
    keys: list[Key] = []
    for number, entry in enumerate(environment.get(VARIABLE, "").replace(",", " ").split(), start=1):
        found = _ENTRY.fullmatch(entry)
        if not found:
            raise UserError(
                f"{VARIABLE}, entry {number}: it must be name:scopes:secret, such as crm:read+score:..."
            )
        scopes = frozenset(found["scopes"].split("+"))
        if unknown := sorted(scopes - set(SCOPES)):
            raise UserError(
                f"{VARIABLE}, entry {number} ({found['name']}): scope '{unknown[0]}' is unknown; allowed are "
                "read, score and read+score."
            )
        if len(found["secret"]) < SHORTEST:
            raise UserError(
                f"{VARIABLE}, entry {number} ({found['name']}): the secret has fewer than {SHORTEST} "
                "characters. Make one: python -c 'import secrets; print(secrets.token_urlsafe(32))'"
            )
        key = Key(found["name"], scopes, hashlib.sha256(found["secret"].encode()).digest())
        if key.name in {other.name for other in keys} or key.digest in {other.digest for other in keys}:
            raise UserError(f"{VARIABLE}, entry {number} ({found['name']}): name or secret is there twice.")
        keys.append(key)
    if not keys:
        raise UserError(
            f"{VARIABLE} is empty: without a key the service does not start. Set name:scopes:secret, such as "
            "crm:read+score:..., the secret of 16 characters or more."
        )
    return keys


def key_of(keys: list[Key], secret: str) -> Key | None:
    """The key with that secret. All are compared, each in constant time."""
    digest = hashlib.sha256(secret.encode()).digest()
    found = [key for key in keys if hmac.compare_digest(key.digest, digest)]
    return found[0] if found else None


@dataclass
class Rate:
    """A bucket of tokens per key: `per_second` flow in, at most `burst` lie in it."""

    per_second: float
    burst: float
    levels: dict[str, tuple[float, float]] = field(default_factory=dict)

    def wait(self, name: str) -> float:
        """Take a token: 0; or, with nothing taken, in how many seconds there will be one."""
        now = time.monotonic()
        level, since = self.levels.get(name, (self.burst, now))
        level = min(self.burst, level + (now - since) * self.per_second)
        if level < 1:
            self.levels[name] = (level, now)
            return (1 - level) / self.per_second
        self.levels[name] = (level - 1, now)
        return 0.0
