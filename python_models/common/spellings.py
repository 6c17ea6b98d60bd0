"""Spellings of numbers, times, yes and no that are read, and the SQL that reads them.

`new` decides by this SQL what a column is, and the build reads the column by it.
"""

from collections.abc import Iterable

from python_models.common.phones import region_of
from python_models.common.sql import text_literals

# Declared in `formats` of raw_columns.csv: separators of thousands, and the decimal separator.
NUMBER_FORMATS = {"1,234.5": (",", "."), "1.234,5": (".", ",")}
# Declared as a format of a time: days since 1899-12-30.
EXCEL_DAYS = "excel"
# An exponent needs a sign or a decimal point before it: 3e12 may be an identifier.
PLAIN_NUMBER = r"^[+-]?([0-9]+|[0-9]*[.][0-9]+|[0-9]+[.])$"
SCIENTIFIC_NUMBER = r"^[+-]?([0-9]+[eE][+-]|[0-9]*[.][0-9]*[eE][+-]?)[0-9]{1,3}$"
ANY_NUMBER = r"^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]{1,3})?$"
CURRENCY = (
    r"(?:(?:US|AU|CA|NZ|HK|R)?\p{Sc}|AUD|BRL|CAD|CHF|CNY|CZK|DKK|EUR|GBP|HUF|INR|JPY|KES|MXN|NOK|NZD|PLN|RUB|SEK|TRY"
    r"|USD|ZAR|kr[.]?|Fr[.]?|Rs[.]?|zł|Kč|Ft)"
)
YES = (
    *(
        "1",
        "y",
        "yes",
        "t",
        "true",
        "j",
        "ja",
        "wahr",
        "o",
        "oui",
        "vrai",
        "si",
        "sí",
        "sì",
        "verdadero",
        "sim",
    ),
    *("verdadeiro", "vero", "waar", "tak", "ano", "evet", "kyllä", "igen", "да", "是", "はい"),
)
NO = (
    *("0", "n", "no", "f", "false", "nein", "falsch", "non", "faux", "falso", "não", "nao", "nee", "onwaar"),
    *("nej", "nei", "nie", "ne", "hay\u0131r", "ei", "nem", "нет", "否", "いいえ"),
)
_OUTER = r"[\p{Z}\p{C}]"
# What stands for no name or address.
NOBODY = (
    "-",
    "--",
    "---",
    ".",
    "?",
    "#n/a",
    "(null)",
    "n/a",
    "n.a.",
    "none",
    "null",
    "nan",
    "unknown",
    "undefined",
)
# The commonest of them: a regular expression on every value would take too long.
_BLANK_ENDS = (" ", "\t", "\r", "\n", "\u00a0", "\u202f", "\u3000", "\u200b", "\u200e", "\u2060", "\ufeff")
_OFFSET = r"(:[0-9]{2}(?:[.][0-9]+)?)[ ]?(?:Z|UTC|GMT|([+-])([0-9]{2}):?([0-9]{2})?)$"


def trimmed(value: str) -> str:
    """Return SQL of a text without blanks and invisible characters around it; null if nothing is left."""
    ends = " or ".join(f"ends_with({value}, '{blank}')" for blank in _BLANK_ENDS)
    return (
        f"nullif(if({value} < '!' or {value} > '~' or {ends}, "
        f"regexp_replace({value}, '^{_OUTER}+|{_OUTER}+$', '', 'g'), {value}), '')"
    )


def number(
    text: str, formats: Iterable[str] = (), is_identifier: bool = False, is_whole: bool = False
) -> str:
    """Return SQL of a text as a plain number, still text; null if it is none.

    Parameters
    ----------
    text : str
        SQL of the text.
    formats : iterable of str
        Spellings besides the plain one, of `NUMBER_FORMATS`: with thousands, currency, `%`, minus behind or
        parentheses for minus.
    is_identifier : bool
        Whether it names something, so that an exponent is none.
    is_whole : bool
        Whether an exponent needs a sign or a decimal point, so that it is no identifier by chance.
    """
    spelt = [_formatted_number(text, *NUMBER_FORMATS[form]) for form in formats if form in NUMBER_FORMATS]
    if spelt:
        return f"coalesce({', '.join(spelt)})"
    if is_identifier:
        return f"case when regexp_matches({text}, '{PLAIN_NUMBER}') then {text} end"
    if is_whole:
        return (
            f"case when regexp_matches({text}, '{PLAIN_NUMBER}') or regexp_matches({text}, "
            f"'{SCIENTIFIC_NUMBER}') then {text} end"
        )
    return f"case when regexp_matches({text}, '{ANY_NUMBER}') then {text} end"


def _formatted_number(text: str, thousands: str, point: str) -> str:
    separators = rf"{thousands}''\x{{2019}}\p{{Z}}"
    groups = rf"[0-9]{{1,3}}(?:[{separators}][0-9]{{3}})+"
    body = rf"((?:{groups}|[0-9]+)(?:[{point}][0-9]+)?)(?:[\p{{Z}}]*(?:{CURRENCY}|%))?"
    currency = rf"(?:{CURRENCY})?[\p{{Z}}]*"
    minus = r"\x{2212}-"
    spelt = rf"^(?:[+{minus}]?{currency}[+{minus}]?{body}[{minus}]?|[(]{currency}{body}[)])$"
    found = rf"regexp_replace({text}, '{spelt}', '\1\2')"
    digits = rf"regexp_replace({found}, '[{separators}]', '', 'g')"
    digits = digits if point == "." else f"replace({digits}, ',', '.')"
    return (
        f"case when regexp_matches({text}, '{spelt}') then "
        f"concat(if(regexp_matches({text}, '[({minus}]'), '-', ''), {digits}) end"
    )


def decoration(text: str) -> str:
    """Return SQL of what a number is written with: its currency or percent sign, empty without one."""
    return rf"regexp_extract({text}, '{CURRENCY}|%')"


def yes_or_no(text: str) -> str:
    """Return SQL of a text as a boolean; null if it says neither."""
    plain = f"regexp_replace(lower({text}), '^([01])[.]0+$', '\\1')"
    yes, no = text_literals(YES), text_literals(NO)
    return f"case when {plain} in ({yes}) then true when {plain} in ({no}) then false end"


def time(text: str, kind: str, formats: Iterable[str] = ()) -> str:
    """Return SQL of a text as a date or timestamp, moved to UTC if it states its offset; null if it is none.

    ISO 8601 is always read; `formats` are those of strptime, and `EXCEL_DAYS`.
    """
    local = _local_time(text, formats)
    # a date alone ends in -05 too
    minutes = (
        rf"to_minutes(coalesce(try_cast(concat(regexp_extract({text}, '{_OFFSET}', 2), "
        rf"60 * try_cast(regexp_extract({text}, '{_OFFSET}', 3) as bigint) + "
        rf"coalesce(try_cast(regexp_extract({text}, '{_OFFSET}', 4) as bigint), 0)) as bigint), 0))"
    )
    moved = _local_time(rf"regexp_replace({text}, '{_OFFSET}', '\1')", formats)
    value = f"case when regexp_matches({text}, '{_OFFSET}') then {moved} - {minutes} else {local} end"
    return f"case when year({value}) between 1000 and 9999 then cast({value} as {kind}) end"


def _local_time(text: str, formats: Iterable[str]) -> str:
    """Return SQL of a text without an offset as a timestamp."""
    values = []
    if declared := [form for form in formats if form != EXCEL_DAYS]:
        # of 'infinity' strptime makes the year 1900
        values.append(
            f"try_strptime(case when regexp_matches({text}, '[0-9]') then {text} end, "
            f"[{text_literals(declared)}])"
        )
    if EXCEL_DAYS in formats:
        days = f"try_cast({number(text, is_identifier=True)} as double)"
        values.append(
            f"case when {days} between 1 and 2958465 "
            f"then timestamp '1899-12-30' + to_seconds(cast(round({days} * 86400) as bigint)) end"
        )
    iso = f"regexp_matches({text}, '^[0-9]{{4}}[-/][0-9]+[-/][0-9]+($|[ T])')"
    values.append(f"case when {iso} then try_cast({text} as timestamp) end")
    return f"coalesce({', '.join(values)})" if len(values) > 1 else values[0]


def phone(text: str, country_code: str) -> str:
    """Return SQL of a phone number's digits with country code (`phones.phone_digits`); null where it is none.

    Raises
    ------
    UserError
        If no country has the code.
    """
    region_of(country_code)
    return f"phone_digits({text}, '{country_code}')"


def private(text: str) -> str:
    """Return SQL of a name or e-mail address without what is around it; null where it names nobody."""
    visible = rf"regexp_replace({text}, '[\p{{Cf}}]', '', 'g')"
    address = (
        rf"regexp_replace({visible}, '^(?:[^<>]*<)?(?:[mM][aA][iI][lL][tT][oO]:)?([^<>@]+@[^<>]+?)>?$', '\1')"
    )
    plain = rf"regexp_replace({address}, '^{_OUTER}+|{_OUTER}+$', '', 'g')"
    return f"case when lower({plain}) not in ('', {text_literals(NOBODY)}) then {plain} end"
