"""dbt-duckdb plugin: the SQL functions `pseudonym(text)` and `phone_digits(text, country_code)`.

A pseudonym is a keyed hash of a phone number, name or e-mail. The key comes from the environment and never
appears in SQL, logs or tables.
"""

import hashlib
import hmac
import os
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from dbt.adapters.duckdb.plugins import BasePlugin
from dbt.adapters.events.logging import AdapterLogger
from duckdb import DuckDBPyConnection, sqltypes
from duckdb.func import FunctionNullHandling

from python_models.common.phones import MAX_CACHED, phone_digits
from python_models.engines.duckdb.erasure import add_functions

KEY_VARIABLE = "LEADLIGHT_PSEUDONYM_KEY"
DEVELOPMENT_KEY = "known to everybody: for made-up people only"
MIN_KEY_LENGTH = 16
PSEUDONYM_LENGTH = 24


class KeyTooShortError(ValueError):
    """The key could be guessed; the message says what to do."""


def pseudonym(identifier: str, key: str) -> str:
    """Return the first 24 hexadecimal digits (96 bits) of an identifier's HMAC-SHA256 (RFC 2104)."""
    digest = hmac.new(key.encode(), identifier.encode(), hashlib.sha256).hexdigest()
    return digest[:PSEUDONYM_LENGTH]


def pseudonym_key(environment: Mapping[str, str]) -> str:
    """Return the key in the environment, or the development key if it is not set.

    Raises
    ------
    KeyTooShortError
        If the key has fewer than 16 characters.
    """
    key = environment.get(KEY_VARIABLE, DEVELOPMENT_KEY)
    if len(key) < MIN_KEY_LENGTH:
        raise KeyTooShortError(
            f"{KEY_VARIABLE} has {len(key)} characters; the minimum is {MIN_KEY_LENGTH}. "
            "Set it to the output of `openssl rand -hex 32`, and keep it: another key gives other pseudonyms."
        )
    return key


class Plugin(BasePlugin):  # type: ignore[misc]  # dbt is untyped
    """Registers the functions on every dbt connection."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        self.key = pseudonym_key(os.environ)
        if self.key == DEVELOPMENT_KEY:
            AdapterLogger("Leadlight").warning(
                f"{KEY_VARIABLE} is not set: people are pseudonymised with the development key, which "
                "everybody knows. Set it before you load data of real people."
            )

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        register_pseudonym(conn, self.key)
        add_functions(conn, self.creds.database if self.creds else "")


def register_pseudonym(connection: DuckDBPyConnection, key: str) -> None:
    """Give a connection the SQL functions `pseudonym` and `phone_digits`, unless it has them.

    They take one value at a time: DuckDB frees too early what a function on Arrow arrays returns, so that
    `coalesce` finds other text (duckdb/duckdb#20606).
    """
    if connection.execute("from duckdb_functions() where function_name = 'pseudonym'").fetchone():
        return

    @lru_cache(maxsize=MAX_CACHED)
    def hashed(identifier: str) -> str:
        return pseudonym(identifier, key)

    def digits(number: str | None, country_code: str) -> str | None:
        return phone_digits(number, country_code) if number is not None else None

    text, may_be_null = sqltypes.VARCHAR, FunctionNullHandling.SPECIAL
    connection.create_function("pseudonym", hashed, [text], text)
    connection.create_function("phone_digits", digits, [text, text], text, null_handling=may_be_null)
