"""Pseudonyms are HMACs under a key that nobody guesses."""

import hashlib
import hmac

import pyarrow as pa
import pytest

from python_models.engines.duckdb.privacy import (
    DEVELOPMENT_KEY,
    KEY_VARIABLE,
    KeyTooShortError,
    pseudonym,
    pseudonym_key,
    pseudonyms,
)


def test_a_pseudonym_is_an_hmac_and_depends_on_the_key() -> None:
    expected = hmac.new(b"a key of some length", b"254712345678", hashlib.sha256).hexdigest()[:24]
    assert pseudonym("254712345678", "a key of some length") == expected
    assert pseudonym("254712345678", "another key of some length") != expected


def test_pseudonyms_keep_order_and_missing_values() -> None:
    hashed = pseudonyms(pa.chunked_array([["b", None], ["a", "b"]]), DEVELOPMENT_KEY).to_pylist()
    assert hashed == [
        pseudonym("b", DEVELOPMENT_KEY),
        None,
        pseudonym("a", DEVELOPMENT_KEY),
        pseudonym("b", DEVELOPMENT_KEY),
    ]


@pytest.mark.parametrize("key", ["", "short"])
def test_a_key_that_could_be_guessed_is_refused(key: str) -> None:
    with pytest.raises(
        KeyTooShortError, match=rf"{KEY_VARIABLE} has {len(key)} characters; the minimum is 16"
    ):
        pseudonym_key({KEY_VARIABLE: key})
