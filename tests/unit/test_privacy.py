"""Pseudonyms are HMACs under a key that nobody guesses."""

import hashlib
import hmac

import duckdb
import pytest

from python_models.engines.duckdb.privacy import (
    DEVELOPMENT_KEY,
    KEY_VARIABLE,
    KeyTooShortError,
    pseudonym,
    pseudonym_key,
    register_pseudonym,
)


def test_a_pseudonym_is_an_hmac_and_depends_on_the_key() -> None:
    expected = hmac.new(b"a key of some length", b"254712345678", hashlib.sha256).hexdigest()[:24]
    assert pseudonym("254712345678", "a key of some length") == expected
    assert pseudonym("254712345678", "another key of some length") != expected


def test_a_pseudonym_is_whole_wherever_it_stands_in_a_query() -> None:
    connection = duckdb.connect()
    register_pseudonym(connection, DEVELOPMENT_KEY)
    connection.execute(
        "create table people as select if(i % 3 = 0, null, 'p' || i % 50) as name, 'nobody' || i as nobody "
        "from range(10000) as _ (i)"
    )
    found = connection.sql(
        "select name, nobody, coalesce(pseudonym(name), nobody), "
        "coalesce(nullif(pseudonym(name), ''), nobody), "
        "if(pseudonym(name) is null, nobody, pseudonym(name)) from people"
    ).fetchall()
    assert [row[2:] for row in found] == [
        (pseudonym(name, DEVELOPMENT_KEY) if name else nobody,) * 3 for name, nobody, *_ in found
    ]


@pytest.mark.parametrize("key", ["", "short"])
def test_a_key_that_could_be_guessed_is_refused(key: str) -> None:
    with pytest.raises(
        KeyTooShortError, match=rf"{KEY_VARIABLE} has {len(key)} characters; the minimum is 16"
    ):
        pseudonym_key({KEY_VARIABLE: key})
