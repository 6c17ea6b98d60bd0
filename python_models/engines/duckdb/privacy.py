"""dbt-duckdb plugin: the SQL function `pseudonym(text)`, a keyed hash of a phone number, name or e-mail.

The key comes from the environment and never appears in SQL, logs or tables.
"""

import hashlib
import hmac
import os
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt.adapters.events.logging import AdapterLogger
from duckdb import DuckDBPyConnection, sqltypes
from duckdb.func import FunctionNullHandling, PythonUDFType

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


def pseudonyms(identifiers: pa.ChunkedArray, key: str) -> pa.Array:
    """Return the pseudonym of each identifier, null for null; each distinct one is hashed once."""
    coded = identifiers.combine_chunks().dictionary_encode()
    if isinstance(coded, pa.ChunkedArray):
        coded = coded.combine_chunks()
    hashed = pa.array([pseudonym(text.as_py(), key) for text in coded.dictionary], pa.string())
    return hashed.take(coded.indices)


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
    """Registers the SQL function `pseudonym(varchar)` on every dbt connection."""

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
    """Give a connection the SQL function `pseudonym(varchar)`, unless it has it."""
    if connection.execute("from duckdb_functions() where function_name = 'pseudonym'").fetchone():
        return
    connection.create_function(
        "pseudonym",
        lambda identifiers: pseudonyms(identifiers, key),
        [sqltypes.VARCHAR],
        sqltypes.VARCHAR,
        type=PythonUDFType.ARROW,
        null_handling=FunctionNullHandling.SPECIAL,
    )
