"""A person has one phone number, however it is written and whoever reads it."""

import duckdb
import phonenumbers
import pytest
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneNumberFormat, PhoneNumberType

from python_models.common import spellings
from python_models.common.errors import UserError
from python_models.common.phones import phone_digits
from python_models.common.request_checks import raw_identifier
from python_models.engines.duckdb.privacy import DEVELOPMENT_KEY, register_pseudonym


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("+254 (0) 712 000 001", "254712000001"),
        ("+254 0712000001", "254712000001"),
        ("+2540712000001", "254712000001"),
        ("254712000001", "254712000001"),
        ("254712000001.0", "254712000001"),
        ("0712000001", "254712000001"),
        ("712000001", "254712000001"),
        ("tel:+254-712-000-001", "254712000001"),
        ("\u202a+254\u00a0712\u00a0000\u200b001\u202c", "254712000001"),
        ("+44 (0)20 7946 0958", "442079460958"),
        ("442079460958", "442079460958"),
        ("0049 (0)30 1234567", "49301234567"),
        ("0049301234567", "49301234567"),
        ("(0049) 30 1234567", "49301234567"),
        ("+39 06 1234 5678", "390612345678"),
        ("+354 551 2345", "3545512345"),
        # of a range that no plan lists yet
        ("+254 999 000 001", "254999000001"),
        ("2.54712E+11", None),
        ("123", None),
        ("071200000123456", None),
        ("0712 000 001 ask for Ann", None),
        ("n/a", None),
        ("", None),
    ],
)
def test_a_person_has_one_phone_number(text: str, digits: str | None) -> None:
    assert phone_digits(text, "254") == digits


@pytest.mark.parametrize(
    "region", sorted({regions[0] for regions in COUNTRY_CODE_TO_REGION_CODE.values()} - {"001"})
)
def test_every_way_to_write_a_number_is_the_same_number(region: str) -> None:
    number = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
    code = str(number.country_code)
    digits = phonenumbers.format_number(number, PhoneNumberFormat.E164)[1:]
    national = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
    abroad = [
        phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL),
        f"+{digits}",
        f"00{digits}",
    ]
    at_home = [national, f"+{code} {national}", digits, f"{digits}.0"]
    assert {phone_digits(text, code) for text in abroad + at_home} == {digits}
    assert {phone_digits(text, "254") for text in abroad} == {digits}


def test_builds_and_requests_read_numbers_by_the_same_function() -> None:
    connection = duckdb.connect()
    register_pseudonym(connection, DEVELOPMENT_KEY)
    texts = ["0712000001", "+254 (0) 712 000 001", None, "none"]
    query = f"select {spellings.phone('number', '254')}, {raw_identifier('number', 'phone', '254')}"
    found = connection.execute(f"{query} from (select unnest(?::varchar[]) as number)", [texts]).fetchall()
    assert found == [(phone_digits(text, "254") if text else None,) * 2 for text in texts]


@pytest.mark.parametrize("code", ["", "+254", "KE", "999", "800"])
def test_a_country_code_that_is_none_is_refused(code: str) -> None:
    with pytest.raises(UserError, match=r"Variable country_code is .*; write a country's calling code"):
        spellings.phone("number", code)
