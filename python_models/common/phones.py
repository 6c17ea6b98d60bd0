"""Phone numbers in one spelling, by the numbering plans of the package `phonenumbers`."""

import re
import unicodedata
from functools import cache, lru_cache

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, ValidationResult

from python_models.common.errors import UserError

# About 40 MB: a build asks for the number of a row several times.
MAX_CACHED = 1 << 17
# From this length on, a number may be of a range that a country's plan does not list yet.
MIN_UNLISTED_DIGITS = 11


@cache
def region_of(country_code: str) -> str:
    """Return the region whose numbers are written without the country code.

    >>> region_of("254")
    'KE'

    Raises
    ------
    UserError
        If no country has the code.
    """
    code = int(country_code) if re.fullmatch("[0-9]{1,3}", country_code) else 0
    region = phonenumbers.region_code_for_country_code(code)
    if region in ("ZZ", "001"):
        raise UserError(
            f"Variable country_code is '{country_code}'; write a country's calling code, such as 254."
        )
    return region


@lru_cache(maxsize=MAX_CACHED)
def phone_digits(text: str, country_code: str) -> str | None:
    """Return the digits of E.164 of a phone number; None if the text is none.

    Numbers without a country code get `country_code`, unless they are one with it already.

    >>> phone_digits("+254 (0) 712 000001", "254"), phone_digits("0712000001", "254")
    ('254712000001', '254712000001')
    >>> phone_digits("0049 30 1234567", "254")
    '49301234567'
    """
    if not text.isascii():
        text = "".join(letter for letter in text if unicodedata.category(letter) != "Cf")
    text = text.strip().removeprefix("tel:")
    if re.search(r"[^\W\d_]", text):
        return None
    # a spreadsheet's 254712000001.0
    text = re.sub(r"^([0-9]+)[.]0+$", r"\1", text)
    # 00 stands for + in most countries, whatever one's own dials
    text = re.sub(r"^[(]?00", "+", text)
    readings: list[tuple[str, str | None]] = [(text, region_of(country_code))]
    if text[:1] in set("123456789"):
        # with its country code, or with neither that nor the 0 before
        readings.insert(0 if text.startswith(country_code) else 1, (f"+{text}", None))
    numbers = [number for reading in readings if (number := _parse(*reading))]
    # the slow check first only where it decides
    checks = (phonenumbers.is_valid_number, _may_be_new)
    for is_number in checks if len(numbers) > 1 else reversed(checks):
        for number in numbers:
            if is_number(number):
                return _digits(number)
    return None


def _parse(text: str, region: str | None) -> PhoneNumber | None:
    try:
        return phonenumbers.parse(text, region)
    except NumberParseException:
        return None


def _digits(number: PhoneNumber) -> str:
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))[1:]


def _may_be_new(number: PhoneNumber) -> bool:
    """Return whether a number may be of a range that came after the plan."""
    possible = phonenumbers.is_possible_number_with_reason(number)
    return possible == ValidationResult.IS_POSSIBLE and len(_digits(number)) >= MIN_UNLISTED_DIGITS
