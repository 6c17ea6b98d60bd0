"""The broken files that test_broken_files.py lays before the base models, and what must come of each.

Two kinds: a file of which nothing can be read stops its base model with one sentence; a file
with rows that cannot be read loses these rows only, each with its number and its reason.
"""

import gzip
import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from python_models.engines.duckdb.privacy import pseudonym, pseudonym_key


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


@dataclass(frozen=True)
class StoppingFile:
    """A file that cannot be read at all: its base model stops and says why.

    `content` is None where the file is not there; `is_added` where a good file of its
    thing lies beside it.
    """

    name: str
    model: str
    path: str
    content: bytes | None
    sentence: str
    is_added: bool = False


@dataclass(frozen=True)
class FaultyRows:
    """A file that can be read: the rows named are rejected or duplicates, all others are kept.

    Rows are told by their number in the file, from 1. `holds`: what must stand in a kept row.
    """

    name: str
    model: str
    path: str
    content: bytes
    row_count: int
    rejected: Mapping[int, str] = field(default_factory=dict)
    duplicates: Sequence[int] = ()
    holds: Mapping[int, Mapping[str, object]] = field(default_factory=dict)

    @property
    def status(self) -> dict[int, str]:
        """Row number -> what must become of the row."""
        return (
            dict.fromkeys(range(1, self.row_count + 1), "kept")
            | dict.fromkeys(self.rejected, "rejected")
            | dict.fromkeys(self.duplicates, "duplicate")
        )


# A good row of each thing: column -> value, in which # stands for the row's own number.
CALL = {
    "id": "#", "age": "30", "job": "admin.", "marital": "married", "education": "tertiary",
    "default": "no", "contact": "cellular", "day": "5", "month": "may", "duration": "120",
    "campaign": "1", "poutcome": "unknown", "y": "no",
}  # fmt: skip
PRODUCT = {
    "product_id": "#", "manufacturer_id": "2", "department": "GROCERY", "brand": "National",
    "product_category": "FRZN ICE", "product_type": "ICE - CRUSHED/CUBED", "package_size": "22 LB",
}  # fmt: skip
BASKET = {
    "household_id": "900", "store_id": "330", "basket_id": "#", "product_id": "1095275",
    "quantity": "1", "sales_value": "0.5", "retail_disc": "0", "coupon_disc": "0",
    "coupon_match_disc": "0", "transaction_timestamp": "2017-01-01 11:53:26",
}  # fmt: skip
HOUSEHOLD = {
    "household_id": "#", "age": "65+", "income": "35-49K", "home_ownership": "Homeowner",
    "marital_status": "Married", "household_size": "2", "household_comp": "2 Adults No Kids",
    "kids_count": "0",
}  # fmt: skip
CONTACT = {"campaign_id": "1", "household_id": "#"}
DESCRIPTION = {
    "campaign_id": "#", "campaign_type": "Type A", "start_date": "2017-03-03", "end_date": "2017-04-09",
}  # fmt: skip
COUPON = {"coupon_upc": "#", "product_id": "27160", "campaign_id": "4"}
REDEMPTION = {
    "household_id": "1029", "coupon_upc": "#", "campaign_id": "26", "redemption_date": "2017-01-01",
}  # fmt: skip
SUBSCRIBER = {
    "msisdn": "25470000#", "full_name": "Wanjiru Otieno", "email": "wanjiru@example.com", "age": "34",
    "gender": "F", "region": "Coast", "handset": "smartphone", "tariff": "prepaid",
    "activation_date": "2023-02-01",
}  # fmt: skip
PURCHASE = {
    "transaction_id": "t#", "msisdn": "254711222333", "kind": "airtime", "amount": "50",
    "occurred_at": "2024-05-01 10:00:00",
}  # fmt: skip
AD_EVENT = {
    "event_id": "e#", "msisdn": "254711222333", "event_type": "click", "ad_category": "games",
    "occurred_at": "2024-05-01 10:00:00",
}  # fmt: skip
INSTALL = {"install_id": "i#", "msisdn": "254711222333", "installed_at": "2024-05-01 10:00:00"}
DEVICE = {
    "device_id": "d#", "observed_date": "2024-05-01", "long_term_interests": '{"12": 0.5}',
    "short_term_interests": "{}", "has_converted": "0",
}  # fmt: skip
TOPIC = {"topic_id": "#", "topic_name": "/Sports/Golf"}
PERSON = {"LNR": "#", "AGER_TYP": "2", "REGION_FORMER_EAST": "W", "RESPONSE": "0"}
INVOICE_LINE = {
    "InvoiceNo": "#", "StockCode": "85123A", "Description": "WHITE HEART", "Quantity": "6",
    "InvoiceDate": "2010-12-01 08:26:00", "UnitPrice": "2.55", "CustomerID": "17850",
    "Country": "United Kingdom",
}  # fmt: skip

# What nobody may find in a base model of app_install.
PRIVATE = ("wanjiru", "otieno", "example.com", "11222333", "711 222 333", "25470000", "70011100")
CALLER = {"customer_id": pseudonym("254711222333", pseudonym_key(os.environ))}


def text(
    row: Mapping[str, str],
    first: int,
    *changes: Mapping[str, str] | str,
    delimiter: str = ",",
    end: str = "\n",
    without: Sequence[str] = (),
) -> str:
    """A header and one line per change of `row`, numbered from `first`; a string is a line as it is."""

    def line(values: Sequence[str]) -> str:
        is_quoted = [any(mark in value for mark in (delimiter, '"', "\n")) for value in values]
        return delimiter.join(
            '"' + value.replace('"', '""') + '"' if quote else value
            for value, quote in zip(values, is_quoted, strict=True)
        )

    columns = [name for name in row if name not in without]
    written = [line(columns)]
    for number, change in enumerate(changes, first):
        if isinstance(change, str):
            written.append(change)
        else:
            whole = dict(row) | dict(change)
            written.append(line([whole[name].replace("#", str(number)) for name in columns]))
    return "".join(one + end for one in written)


def lines(
    row: Mapping[str, str], first: int, *changes: Mapping[str, str] | str, **options: str | Sequence[str]
) -> bytes:
    return text(row, first, *changes, **options).encode()


def values(
    row: Mapping[str, str], first: int, column: str, *column_values: str, delimiter: str = ","
) -> bytes:
    """One line per value of one column."""
    return lines(row, first, *({column: value} for value in column_values), delimiter=delimiter)


def parquet(row: Mapping[str, str], first: int, *changes: Mapping[str, object]) -> bytes:
    """The same as a Parquet file: a column is of the type that its values have."""
    rows = [
        {
            name: value.replace("#", str(number)) if isinstance(value, str) else value
            for name, value in (dict(row) | dict(change)).items()
        }
        for number, change in enumerate(changes, first)
    ]
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), file)
    return file.getvalue()


# Where a folder has no broken file of a thing, a good one lies instead.
GOOD_FILES = {
    "app_install__subscribers": ("app_install/subscribers.csv", lines(SUBSCRIBER, 5001, {})),
    "app_install__transactions": ("app_install/transactions.csv", lines(PURCHASE, 5001, {})),
    "app_install__ad_events": ("app_install/ad_events.csv", lines(AD_EVENT, 5001, {})),
    "app_install__installs": ("app_install/installs.csv", lines(INSTALL, 5001, {})),
    "coupon__campaign_descriptions": ("coupon/campaign_descriptions.csv", lines(DESCRIPTION, 5001, {})),
    "coupon__campaigns": ("coupon/campaigns.csv", lines(CONTACT, 5001, {})),
    "coupon__coupon_redemptions": ("coupon/coupon_redemptions.csv", lines(REDEMPTION, 5001, {})),
    "coupon__coupons": ("coupon/coupons.csv", lines(COUPON, 5001, {})),
    "coupon__demographics": ("coupon/demographics.csv", lines(HOUSEHOLD, 5001, {})),
    "coupon__products": ("coupon/products.csv", lines(PRODUCT, 5001, {})),
    "coupon__transactions": ("coupon/transactions.csv", lines(BASKET, 5001, {})),
    "display_ads__devices": ("display_ads/devices.csv", lines(DEVICE, 5001, {})),
    "display_ads__interest_topics": ("display_ads/interest_topics.csv", lines(TOPIC, 5001, {})),
    "insurance__calls": ("insurance/calls.csv", lines(CALL, 5001, {})),
    "mail_out__people": ("mail_out/people.csv", lines(PERSON, 5001, {})),
    "online_retail__invoice_lines": ("online_retail/lines.csv", lines(INVOICE_LINE, 5001, {})),
}

NEITHER = "neither CSV nor Parquet. Save it as .csv, .csv.gz or .parquet, or move it away."
EMPTY = "the file is empty. It needs a header line with the column names, then one line per row."
ADD_FILE = "A source's own files replace its whole default: add the missing file."
RENAME = "Rename or add the column."
OWN_NAME = "Give each column a name of its own."
NO_HEADER = "the first line names none of the columns {}. It must be the header."
EMPTY_LINE = "the first line is empty. It must be the header with the column names."
NO_GZIP = "truncated or corrupt gzip file. Copy or compress it again."
NO_PARQUET = "truncated or corrupt Parquet file. Write it again."
NO_TEXT = "the header is not valid UTF-8. Save the file as CSV in UTF-8."
LINE_ENDS = "mixed line ends (CR, LF, CR LF). Save it again with one kind only."
OTHER_FILES = "the name holds *, ? or [, which would match other files too. Rename it."
TAKEN = "has a name that Leadlight uses itself. Rename it."
PAGES = parquet(INVOICE_LINE, 1, *[{}] * 100)
MANY_LINES = lines(BASKET, 1, *[{"store_id": str(7919 * number % 1000)} for number in range(2_000)])

# Of each folder, at most one broken file per thing.
STOPPING_FILES = {
    "first": [
        StoppingFile(
            "a workbook", "app_install__subscribers", "app_install/subscribers.xlsx",
            b"PK\3\4", f"data/app_install/subscribers.xlsx: {NEITHER}",
        ),
        StoppingFile(
            "a column is missing", "app_install__transactions", "app_install/transactions.csv",
            lines(PURCHASE, 1, {}, without=["kind"]),
            "data/app_install/transactions.csv: column 'kind' or 'product_id' is missing; the file has"
            f" transaction_id, msisdn, amount, occurred_at. {RENAME}",
        ),
        StoppingFile(
            "an empty name in quotes", "app_install__ad_events", "app_install/ad_events.csv",
            b'event_id,"",event_type,ad_category,occurred_at\n',
            f"data/app_install/ad_events.csv: column 2 of the header, '', is empty. {OWN_NAME}",
        ),
        StoppingFile(
            "a thing's file is missing", "app_install__installs", "app_install/installs.csv", None,
            f"data/app_install: no file installs*.csv or installs*.parquet found. {ADD_FILE}",
        ),
        StoppingFile(
            "no byte", "coupon__products", "coupon/products.csv", b"", f"data/coupon/products.csv: {EMPTY}"
        ),
        StoppingFile(
            "one of two files lacks a column", "coupon__transactions", "coupon/transactions_2.csv",
            lines(BASKET, 1, {}, without=["basket_id"]),
            "data/coupon/transactions_2.csv: column 'basket_id' is missing; the file has household_id,"
            " store_id, product_id, quantity, sales_value, retail_disc, coupon_disc, coupon_match_disc,"
            f" transaction_timestamp. {RENAME}",
            is_added=True,
        ),
        StoppingFile(
            "text named gz", "coupon__coupons", "coupon/coupons.csv.gz",
            lines(COUPON, 1, {}), f"data/coupon/coupons.csv.gz: {NO_GZIP}",
        ),
        StoppingFile(
            "a name twice in another case", "coupon__campaigns", "coupon/campaigns.csv",
            b"campaign_id,household_id,Campaign_ID\n1,2,3\n",
            f"data/coupon/campaigns.csv: column 3 of the header, 'Campaign_ID', is there twice. {OWN_NAME}",
        ),
        StoppingFile(
            "a name twice with quotes and blanks", "coupon__campaign_descriptions",
            "coupon/campaign_descriptions.csv",
            b'campaign_id,campaign_type,start_date, "start_date" ,end_date\n',
            "data/coupon/campaign_descriptions.csv: column 4 of the header, 'start_date', is there twice."
            f" {OWN_NAME}",
        ),
        StoppingFile(
            "no header", "coupon__coupon_redemptions", "coupon/coupon_redemptions.csv",
            b"1029,51380041013,26,2017-01-01\n1029,51380041313,26,2017-01-01\n",
            "data/coupon/coupon_redemptions.csv: "
            + NO_HEADER.format("household_id, coupon_upc, campaign_id, redemption_date"),
        ),
        StoppingFile(
            "a folder named like a file", "coupon__demographics", "coupon/demographics.csv/part-0.csv",
            lines(HOUSEHOLD, 1, {}),
            f"data/coupon: no file demographics*.csv or demographics*.parquet found. {ADD_FILE}",
        ),
        StoppingFile(
            "an unknown delimiter", "display_ads__devices", "display_ads/devices.csv",
            lines(DEVICE, 1, {}, delimiter=":"),
            "data/display_ads/devices.csv: the first line names none of the columns device_id, observed_date",
        ),
        StoppingFile(
            "a delimiter after the last name", "display_ads__interest_topics",
            "display_ads/interest_topics.csv", b"topic_id,topic_name,\n1,/Sports,\n",
            f"data/display_ads/interest_topics.csv: column 3 of the header, '', is empty. {OWN_NAME}",
        ),
        StoppingFile(
            "JSON", "insurance__calls", "insurance/calls.json", b"[]", f"data/insurance/calls.json: {NEITHER}"
        ),
        StoppingFile(
            "nothing zipped", "mail_out__people", "mail_out/people.csv.gz",
            gzip.compress(b""), f"data/mail_out/people.csv.gz: {EMPTY}",
        ),
        StoppingFile(
            "Parquet without a column", "online_retail__invoice_lines", "online_retail/lines.parquet",
            parquet({name: "1" for name in INVOICE_LINE if name != "Quantity"}, 1, {}),
            "data/online_retail/lines.parquet: column 'Quantity' is missing; the file has InvoiceNo,"
            f" StockCode, Description, InvoiceDate, UnitPrice, CustomerID, Country. {RENAME}",
        ),
    ],
    "second": [
        StoppingFile(
            "empty lines", "app_install__subscribers", "app_install/subscribers.csv",
            b"\n\n\n", f"data/app_install/subscribers.csv: {EMPTY}",
        ),
        StoppingFile(
            "another compression", "app_install__transactions", "app_install/transactions.csv.bz2",
            b"BZh9", f"data/app_install/transactions.csv.bz2: {NEITHER}",
        ),
        StoppingFile(
            "Parquet of no byte", "coupon__products", "coupon/products.parquet",
            b"", f"data/coupon/products.parquet: {NO_PARQUET}",
        ),
        StoppingFile(
            "a byte order mark only", "coupon__campaigns", "coupon/campaigns.csv",
            "\ufeff".encode(), f"data/coupon/campaigns.csv: {EMPTY}",
        ),
        StoppingFile(
            "no extension", "coupon__demographics", "coupon/demographics",
            lines(HOUSEHOLD, 1, {}), f"data/coupon/demographics: {NEITHER}",
        ),
        StoppingFile(
            "a workbook beside a good file", "coupon__coupons", "coupon/coupons old.xls",
            b"\xd0\xcf", f"data/coupon/coupons old.xls: {NEITHER}", is_added=True,
        ),
        StoppingFile(
            "an extension in capitals", "display_ads__devices", "display_ads/devices.CSV",
            lines(DEVICE, 1, {}), f"data/display_ads/devices.CSV: {NEITHER}",
        ),
        StoppingFile(
            "the whole header in quotes", "insurance__calls", "insurance/calls.csv",
            b'"age,job,marital"\n30,admin.,married\n',
            "data/insurance/calls.csv: the first line names none of the columns age, job,"
            " marital_status or marital,",
        ),
        StoppingFile(
            "the key is missing", "mail_out__people", "mail_out/people's.csv",
            lines(PERSON, 1, {}, without=["LNR"], delimiter=";"),
            "column 'person_id' or 'LNR' or 'ID' is missing; the file has"
            f" AGER_TYP, REGION_FORMER_EAST, RESPONSE. {RENAME}",
        ),
        StoppingFile(
            "plain text", "online_retail__invoice_lines", "online_retail/readme.txt",
            b"See lines.csv", f"data/online_retail/readme.txt: {NEITHER}", is_added=True,
        ),
        StoppingFile(
            "a zipped file cut short", "coupon__transactions", "coupon/transactions.csv.gz",
            gzip.compress(MANY_LINES)[:-2_000], f"data/coupon/transactions.csv.gz: {NO_GZIP}",
        ),
        StoppingFile(
            "Parquet cut short", "app_install__ad_events", "app_install/ad_events.parquet",
            parquet(AD_EVENT, 1, {})[:-20], f"data/app_install/ad_events.parquet: {NO_PARQUET}",
        ),
        StoppingFile(
            "CSV under the name of Parquet", "app_install__installs", "app_install/installs.parquet",
            lines(INSTALL, 1, {}), f"data/app_install/installs.parquet: {NO_PARQUET}",
        ),
        StoppingFile(
            "a workbook under the name of CSV", "coupon__coupon_redemptions", "coupon/coupon_redemptions.csv",
            b"PK\3\4\x14\0\6\0", "data/coupon/coupon_redemptions.csv: this is an Excel workbook or ZIP"
            " archive, not CSV. Export it as CSV.",
        ),
        StoppingFile(
            "zipped and not named so", "coupon__campaign_descriptions", "coupon/campaign_descriptions.csv",
            gzip.compress(lines(DESCRIPTION, 1, {})), "data/coupon/campaign_descriptions.csv: gzip-"
            "compressed, but not named .csv.gz. Rename it.",
        ),
        StoppingFile(
            "UTF-16", "display_ads__interest_topics", "display_ads/interest_topics.csv",
            text(TOPIC, 1, {}).encode("utf-16"), f"data/display_ads/interest_topics.csv: {NO_TEXT}",
        ),
    ],
    "third": [
        StoppingFile(
            "people without a header", "app_install__subscribers", "app_install/subscribers.csv",
            b"254711222333,Wanjiru Otieno,wanjiru@example.com,34,F,Coast,smartphone,prepaid,2023-02-01\n",
            "data/app_install/subscribers.csv: " + NO_HEADER.format("msisdn or phone_number"),
        ),
        StoppingFile(
            "line ends of two systems", "app_install__transactions", "app_install/transactions.csv",
            lines(PURCHASE, 1, {}, {}, end="\r\n") + lines(PURCHASE, 3, {}).split(b"\n", 1)[1],
            f"data/app_install/transactions.csv: {LINE_ENDS}",
        ),
        StoppingFile(
            "a carriage return in a value", "app_install__ad_events", "app_install/ad_events.csv",
            values(AD_EVENT, 1, "ad_category", "games\rcards"),
            f"data/app_install/ad_events.csv: {LINE_ENDS}",
        ),
        StoppingFile(
            "zipped, with line ends of two systems", "app_install__installs", "app_install/installs.csv.gz",
            gzip.compress(lines(INSTALL, 1, '1,"a\nb",2') + b"\r\n"),
            f"data/app_install/installs.csv.gz: {LINE_ENDS}",
        ),
        StoppingFile(
            "zipped, of no byte", "coupon__campaign_descriptions", "coupon/campaign_descriptions.csv.gz",
            b"", f"data/coupon/campaign_descriptions.csv.gz: {EMPTY}",
        ),
        StoppingFile(
            "a name that stands for others", "coupon__campaigns", "coupon/campaigns[1].csv",
            lines(CONTACT, 1, {}), f"data/coupon/campaigns[1].csv: {OTHER_FILES}", is_added=True,
        ),
        StoppingFile(
            "a taken name in Parquet", "coupon__coupons", "coupon/coupons.parquet",
            parquet(COUPON | {"row_number": "#"}, 1, {}),
            f"data/coupon/coupons.parquet: column 'row_number' {TAKEN}",
        ),
        StoppingFile(
            "an empty line before the header", "coupon__demographics", "coupon/demographics.csv",
            b"\n" + lines(HOUSEHOLD, 1, {}), f"data/coupon/demographics.csv: {EMPTY_LINE}",
        ),
        StoppingFile(
            "zero bytes in the header", "coupon__products", "coupon/products.csv",
            text(PRODUCT, 1, {}).encode("utf-16-le"), f"data/coupon/products.csv: {NO_TEXT}",
        ),
        StoppingFile(
            "Parquet with wrong bytes between a whole beginning and end", "online_retail__invoice_lines",
            "online_retail/lines.parquet", PAGES[:4] + b"\xff" * 32 + PAGES[36:],
            f"data/online_retail/lines.parquet: {NO_PARQUET}",
        ),
        StoppingFile(
            "a zipped file with a wrong byte", "coupon__transactions", "coupon/transactions.csv.gz",
            gzip.compress(MANY_LINES)[:-6] + b"\0\0" + gzip.compress(MANY_LINES)[-4:],
            f"data/coupon/transactions.csv.gz: {NO_GZIP}",
        ),
        StoppingFile(
            "a title before the header", "display_ads__devices", "display_ads/devices.csv",
            b"Devices of May\n" + lines(DEVICE, 1, {}),
            "data/display_ads/devices.csv: the first line names none of the columns device_id, observed_date",
        ),
        StoppingFile(
            "a header in Latin-1", "insurance__calls", "insurance/calls.csv",
            text(CALL | {"größe": "1"}, 1, {}).encode("latin-1"), f"data/insurance/calls.csv: {NO_TEXT}",
        ),
        StoppingFile(
            "a taken name", "mail_out__people", "mail_out/people.csv",
            lines(PERSON | {"Part": "1"}, 1, {}), f"data/mail_out/people.csv: column 'Part' {TAKEN}",
        ),
    ],
}  # fmt: skip

WHOLE = "column '{}': '{}' is not a whole number"
NUMBER = "column '{}': '{}' is not a number"
YES_NO = "column '{}': '{}' is not yes or no"
DATE = "column '{}': '{}' is not a date (YYYY-MM-DD)"
TIME = "column '{}': '{}' is not a time (YYYY-MM-DD HH:MM:SS)"
INTERESTS = "column 'long_term_interests': '{}' is not a list of weights"
PHONE = "column 'msisdn': is not a phone number (withheld)"
# things with personal columns: a value in the wrong column could be one
WITHHELD_NUMBER = "column '{}': is not a number"
WITHHELD_WHOLE = "column '{}': is not a whole number"
WITHHELD_DATE = "column '{}': is not a date (YYYY-MM-DD)"
WITHHELD_TIME = "column '{}': is not a time (YYYY-MM-DD HH:MM:SS)"
FIELDS = "Expected Number of Columns: {} Found: {}"
QUOTE = "Value with unterminated quote found"
LONG_LINE = "Maximum line size of 2000000 bytes exceeded"
ENCODING = "Invalid unicode (byte sequence mismatch) detected. This file is not utf-8 encoded."
NO_DAY = "no such day: {}; a month is jan to dec or 1 to 12"
SECONDS = datetime(2024, 5, 1, 10)

FAULTY_ROWS = [
    # insurance: calls
    FaultyRows(
        "decimals in whole numbers", "insurance__calls", "insurance/decimals.csv",
        values(CALL, 1001, "age", "30.5", "30.0", "3e1", " 30 ", "1,000", "nan", "9" * 20, "0x1F", "thirty"),
        9,
        {
            number: WHOLE.format("age", value)
            for number, value in {
                1: "30.5", 5: "1,000", 6: "nan", 7: "9" * 20, 8: "0x1F", 9: "thirty",
            }.items()
        },
        holds={number: {"age": 30} for number in (2, 3, 4)},
    ),
    FaultyRows(
        "days that never were", "insurance__calls", "insurance/days.csv",
        lines(
            CALL, 1101, {"day": "31", "month": "jun"}, {"month": "5"}, {"month": "13"}, {"month": "May"},
            {"month": "June"}, {"day": "0"}, {"day": "29", "month": "feb"}, {"month": "05"},
            {"month": "mai"}, {"day": ""}, {"day": "-5"}, {"month": "mayhem"},
            {"month": "5.0"}, {"month": "0"}, {"month": "MAR"},
        ),
        15,
        {
            1: NO_DAY.format("31 jun"), 3: NO_DAY.format("5 13"), 6: NO_DAY.format("0 may"),
            9: NO_DAY.format("5 mai"), 10: "column 'day' is empty", 11: NO_DAY.format("-5 may"),
            12: NO_DAY.format("5 mayhem"), 13: NO_DAY.format("5 5.0"), 14: NO_DAY.format("5 0"),
        },
        holds={2: {"call_month": "5"}, 4: {"call_month": "may"}, 8: {"call_day": 5},
               15: {"call_month": "mar"}},
    ),
    FaultyRows(
        "no number of the client", "insurance__calls", "insurance/without id.csv",
        lines(CALL, 1, {}, {"age": "x"}, "1,2", {}, without=["id"]), 4,
        {2: WHOLE.format("age", "x"), 3: FIELDS.format(12, 2)},
        holds={1: {"client_id": "insurance/without id.csv 1"},
               4: {"client_id": "insurance/without id.csv 4"}},
    ),
    FaultyRows(
        "Latin-1 among rows", "insurance__calls", "insurance/a_latin.csv",
        text(CALL, 2301, {}, {"job": "employé"}, {}, {"job": "é", "age": "x"}).encode("latin-1"), 4,
        {2: ENCODING, 4: ENCODING}, holds={1: {"client_id": "2301"}, 3: {"client_id": "2303"}},
    ),
    FaultyRows(
        "UTF-8 among rows", "insurance__calls", "insurance/a_letters.csv",
        lines(CALL, 2401, {"job": "Employé"}, {"job": "教師"}), 2,
        holds={1: {"job": "employé"}, 2: {"job": "教師"}},
    ),
    FaultyRows(
        "quotes that take in other lines", "insurance__calls", "insurance/a_quotes.csv",
        lines(CALL, 2501, {}, '2502,30,"admin.,married', {}, {},
              '2505,30,"admin.",married', {}, '2507,"30', {}, {}),
        4,
        {2: QUOTE + ".; it takes in the 3 lines after it", 4: QUOTE + ".; it takes in the 2 lines after it"},
        holds={1: {"client_id": "2501"}, 3: {"client_id": "2506"}},
    ),
    FaultyRows(
        "a quote that takes in many lines", "insurance__calls", "insurance/a_many.csv",
        lines(CALL, 2601, {}, '2602,30,"admin.', *[{}] * 500, "", {}), 2,
        {2: QUOTE + ".; open quotes in this file take in up to 501 other lines"},
        holds={1: {"client_id": "2601"}},
    ),
    FaultyRows(
        "a line end in the header", "insurance__calls", "insurance/a_header.csv",
        lines(CALL | {"note": "a"}, 2701, {}, {"age": "x"}).replace(b",note\n", b',"note"\n'), 2,
        {2: WHOLE.format("age", "x")},
    ),
    FaultyRows(
        "labels neither yes nor no", "insurance__calls", "insurance/labels.csv",
        values(CALL, 1201, "y", "maybe", "ja", "1", "0", "TRUE", "Y", "No", "2", "", " ", "unknown", "1.0",
               "0.0", "0.5", "-1"),
        15,
        {number: YES_NO.format("y", value)
         for number, value in {1: "maybe", 8: "2", 11: "unknown", 14: "0.5", 15: "-1"}.items()},
        holds={
            number: {"has_subscribed": value}
            for number, value in {
                2: True, 3: True, 4: False, 5: True, 6: True, 7: False, 9: None, 10: None, 12: True,
                13: False,
            }.items()
        },
    ),
    FaultyRows(
        "a quote in the file's name", "insurance__calls", "insurance/it's.csv",
        lines(CALL, 1301, {}, {"age": "x"}, {}), 3, {2: WHOLE.format("age", "x")},
    ),
    FaultyRows(
        "carriage returns alone", "insurance__calls", "insurance/classic.csv",
        lines(CALL, 1401, {}, {"age": "x"}, {}, end="\r"), 3, {2: WHOLE.format("age", "x")},
    ),
    FaultyRows(
        "carriage returns and no last line end", "insurance__calls", "insurance/crlf.csv",
        lines(CALL, 1501, {}, {"y": "perhaps"}, {}, end="\r\n")[:-2], 3, {2: YES_NO.format("y", "perhaps")},
        holds={1: {"has_subscribed": False}, 3: {"has_subscribed": False}},
    ),
    FaultyRows(
        "a zero byte in a field", "insurance__calls", "insurance/nul.csv",
        values(CALL, 1601, "job", "admin.", "ad\0min", "admin."), 3, holds={2: {"job": "ad\0min"}},
    ),
    FaultyRows("a header only", "insurance__calls", "insurance/header.csv", lines(CALL, 1701), 0),
    FaultyRows(
        "codes for missing", "insurance__calls", "insurance/codes.csv",
        values(CALL, 1801, "default", "unknown", "Unknown", "", "yes", "N/A"), 5,
        {5: YES_NO.format("default", "N/A")},
        holds={
            1: {"has_default": None, "coded_missing": ["has_default"]},
            2: {"has_default": None, "coded_missing": ["has_default"]},
            3: {"has_default": None, "coded_missing": None},
            4: {"has_default": True, "coded_missing": None},
        },
    ),
    FaultyRows(
        "empty lines between rows", "insurance__calls", "insurance/gaps.csv",
        lines(CALL, 1901, {}, "", {"age": "x"}, "", "", {}, ""), 3, {2: WHOLE.format("age", "x")},
    ),
    FaultyRows(
        "a line end in a field", "insurance__calls", "insurance/a_line_end.csv",
        lines(CALL, 2001, {}, {"job": "admin.\nretired"}, {"age": "x"}, "1,2", {"age": "y"}, {}),
        6,
        {3: WHOLE.format("age", "x"), 4: FIELDS.format(13, 2), 5: WHOLE.format("age", "y")},
        holds={2: {"job": "admin.\nretired"}, 6: {"client_id": "2006"}},
    ),
    FaultyRows(
        "a quote that never ends", "insurance__calls", "insurance/a_quote.csv",
        lines(CALL, 2101, {}, {}, '2103,30,"admin.,married,tertiary,no,cellular,5,may,120,1,unknown,no'),
        3, {3: QUOTE},
    ),
    FaultyRows(
        "lines that are no rows", "insurance__calls", "insurance/a_lines.csv",
        lines(CALL, 2201, "# exported on Monday", {}, "\0\0\0\0", {}, "\x1a"), 5,
        {1: FIELDS.format(13, 1), 3: FIELDS.format(13, 1), 5: FIELDS.format(13, 1)},
        holds={2: {"client_id": "2202"}, 4: {"client_id": "2204"}},
    ),
    # coupon: seven things
    FaultyRows(
        "a very long field", "coupon__products", "coupon/products.csv",
        lines(PRODUCT, 1, {}, {"package_size": "x" * 1_500_000}, {"manufacturer_id": "none"}), 3,
        {3: WHOLE.format("manufacturer_id", "none")}, holds={2: {"package_size": "x" * 1_500_000}},
    ),
    FaultyRows(
        "a line beyond two million letters", "coupon__products", "coupon/products_long.csv",
        lines(PRODUCT, 301, {}, {"package_size": "x" * 2_000_000}, {}), 3, {2: LONG_LINE},
        holds={1: {"product_id": 301}, 3: {"product_id": 303}},
    ),
    FaultyRows(
        "too few and too many fields", "coupon__products", "coupon/products_fields.csv",
        lines(PRODUCT, 101, {}, "102,2", "103,2,a,b,c,d,e,f,g", {}), 4,
        {2: FIELDS.format(7, 2), 3: FIELDS.format(7, 8)},
        holds={1: {"product_id": 101}, 4: {"product_id": 104}},
    ),
    FaultyRows(
        "quotes inside of text", "coupon__products", "coupon/products_quotes.csv",
        lines(
            PRODUCT, 201, {"package_size": '12" PACK'}, '202,2,a,b,c,d,12" PACK', '203,2,a,b,c,d,"12" PACK',
            '204,2,a,b,c,d,"12" PACK"', '205,2,a,b,c, "d" ,e', {},
        ),
        6, {3: QUOTE, 4: QUOTE},
        holds={
            1: {"package_size": '12" PACK'}, 2: {"package_size": '12" PACK'},
            5: {"product_type": "d", "package_size": "e"}, 6: {"package_size": "22 LB"},
        },
    ),
    FaultyRows(
        "zipped, with numbers that are none", "coupon__transactions", "coupon/transactions.csv.gz",
        gzip.compress(
            lines(BASKET, 1, {}, {"quantity": "one"}, {"quantity": "-1"}, {"sales_value": "1,5"},
                  {"store_id": "3.5"}, {"quantity": ""}, {"quantity": "nan"}, {"sales_value": "Infinity"},
                  {"sales_value": "1e3"}, end="\r\n")
        ),
        9,
        {2: NUMBER.format("quantity", "one"), 4: NUMBER.format("sales_value", "1,5"),
         5: WHOLE.format("store_id", "3.5"), 7: NUMBER.format("quantity", "nan"),
         8: NUMBER.format("sales_value", "Infinity")},
        holds={3: {"quantity": -1.0}, 6: {"quantity": None}, 9: {"amount": 1000.0}},
    ),
    FaultyRows(
        "Parquet with numbers that are none", "coupon__transactions", "coupon/transactions_floats.parquet",
        parquet(BASKET, 201, {"quantity": 1.0}, {"quantity": float("nan")}, {"quantity": float("inf")},
                {"quantity": None}), 4,
        {2: NUMBER.format("quantity", "nan"), 3: NUMBER.format("quantity", "inf")},
        holds={1: {"quantity": 1.0}, 4: {"quantity": None}},
    ),
    FaultyRows(
        "capital names in another order", "coupon__transactions", "coupon/transactions_capital.csv",
        lines({name.upper(): value for name, value in reversed(BASKET.items())}, 101, {}, {"QUANTITY": "x"}),
        2, {2: NUMBER.format("quantity", "x")}, holds={1: {"basket_id": 101, "amount": 0.5}},
    ),
    FaultyRows(
        "tabs and a key that is none", "coupon__demographics", "coupon/demographics.csv",
        values(HOUSEHOLD, 1, "household_id", "#", "", "x", "4.0", delimiter="\t"), 4,
        {2: "column 'household_id' is empty", 3: WHOLE.format("household_id", "x")},
        holds={1: {"income_band": "35-49K"}, 4: {"household_id": 4}},
    ),
    FaultyRows(
        "equal rows and half a key", "coupon__campaigns", "coupon/campaigns.csv",
        lines(CONTACT, 1, {}, {}, {"household_id": "1"}, {"household_id": ""}, {"campaign_id": ""}), 5,
        {4: "column 'household_id' is empty", 5: "column 'campaign_id' is empty"}, [3],
        holds={1: {"household_id": 1}, 2: {"household_id": 2}},
    ),
    FaultyRows(
        "a key of another file", "coupon__campaigns", "coupon/campaigns_more.csv",
        values(CONTACT, 1, "household_id", "2", "90", "90"), 3, duplicates=[1, 3],
        holds={2: {"household_id": 90}},
    ),
    FaultyRows(
        "a delimiter after the last value", "coupon__coupons", "coupon/coupons.csv",
        lines(COUPON, 1, "1,2,3,", "4,5,6,", " 7 , 8 , 9 ", {}), 4,
        holds={2: {"campaign_id": 6}, 3: {"coupon_upc": 7, "campaign_id": 9}},
    ),
    FaultyRows(
        "two bad lines among many", "coupon__coupons", "coupon/coupons_many.csv",
        lines(COUPON, 100_001, *[{}] * 30_000, "1,2", *[{}] * 30_000, "1,2,3,4"), 60_002,
        {30_001: FIELDS.format(3, 2), 60_002: FIELDS.format(3, 4)},
        holds={30_000: {"coupon_upc": 130_000}, 30_002: {"coupon_upc": 130_002},
               60_001: {"coupon_upc": 160_001}},
    ),
    FaultyRows(
        "impossible dates", "coupon__campaign_descriptions", "coupon/campaign_descriptions.csv",
        values(DESCRIPTION, 1, "end_date", "2017-13-45", "2017-06-31", "31/05/2017", "",
               "2017-05-31 10:00:00", "42797", "2017/05/31", "2017-5-31", "soon", "17-05-31", "infinity",
               "2017-05-311", "20170531", "2017-05-31 (BC)"),
        14,
        {number: DATE.format("end_date", value) for number, value in
         {1: "2017-13-45", 2: "2017-06-31", 3: "31/05/2017", 6: "42797", 9: "soon", 10: "17-05-31",
          11: "infinity", 12: "2017-05-311", 13: "20170531", 14: "2017-05-31 (BC)"}.items()}
        | {4: "column 'end_date' is empty"},
        holds={number: {"end_date": date(2017, 5, 31)} for number in (5, 7, 8)},
    ),
    FaultyRows(
        "numbers of a spreadsheet", "coupon__coupon_redemptions", "coupon/coupon_redemptions.csv",
        values(REDEMPTION, 1, "coupon_upc", "51380041013", "1e4", "5.0", "N/A", "9" * 20), 5,
        {2: WHOLE.format("coupon_upc", "1e4"), 4: WHOLE.format("coupon_upc", "N/A"),
         5: WHOLE.format("coupon_upc", "9" * 20)},
        holds={3: {"coupon_upc": 5}},
    ),
    # app_install: four things
    FaultyRows(
        "phone numbers", "app_install__subscribers", "app_install/subscribers.csv",
        values(SUBSCRIBER, 1001, "msisdn", "0711 222 333", "712345678", "2.54712E+11", "", "unknown",
               "ext 254711222333", "254711222333 / 0711222444", "+254 700 111 001", "00254700111002"),
        9, dict.fromkeys((3, 5, 6, 7), PHONE) | {4: "column 'msisdn' is empty"},
        holds={1: CALLER},
    ),
    FaultyRows(
        "one person twice", "app_install__subscribers", "app_install/subscribers_twice.csv",
        lines(SUBSCRIBER, 2001, {"msisdn": "254700111003"}, {"msisdn": "254700111003"},
              {"msisdn": "0700111003", "age": "99"}, {}),
        4, {3: "duplicated key: customer_id '"}, [2], holds={1: {"age": 34}},
    ),
    FaultyRows(
        "dates of three kinds", "app_install__subscribers", "app_install/subscribers_dates.csv",
        values(SUBSCRIBER, 3001, "activation_date", "01/02/2023", "20230201", "2023-02-01", "1/2/2023",
               "2023-02-30", "31/06/2023", "02/13/2023", "", "01-02-2023", "01/02/23", "infinity",
               "Wanjiru Otieno"),
        12,
        dict.fromkeys((5, 6, 7, 9, 10, 11, 12), WITHHELD_DATE.format("activation_date")),
        holds={number: {"activation_date": date(2023, 2, 1)} for number in (1, 2, 3, 4)}
        | {8: {"activation_date": None}},
    ),
    FaultyRows(
        "lines of personal data", "app_install__subscribers", "app_install/subscribers_lines.csv",
        lines(
            SUBSCRIBER, 4001, {}, "254700111004,Wanjiru Otieno,wanjiru@example.com,34",
            "254700111005,Otieno, Wanjiru,wanjiru@example.com,34,F,Coast,smartphone,prepaid,2023-02-01",
            '254700111006,"Wanjiru" Otieno,wanjiru@example.com,34,F,Coast,smartphone,prepaid,2023-02-01', {},
        ),
        5, {2: FIELDS.format(9, 4), 3: FIELDS.format(9, 10), 4: QUOTE},
    ),
    FaultyRows(
        "events of no known type", "app_install__ad_events", "app_install/ad_events.csv",
        values(AD_EVENT, 1, "event_type", "click", "view", "CLICK", "", "Impression"), 5,
        {2: "event_type is neither impression nor click", 4: "column 'event_type' is empty"},
        holds={3: {"event_type": "click"}, 5: {"event_type": "impression"}},
    ),
    FaultyRows(
        "times of several kinds", "app_install__ad_events", "app_install/ad_events_times.csv",
        values(AD_EVENT, 101, "occurred_at", "01/05/2024 10:00", "20240501T100000", "2024-05-01T10:00:00Z",
               "1714557600", "2024-05-01 25:00:00", "31/04/2024 10:00", "now"),
        7,
        dict.fromkeys((4, 5, 6, 7), WITHHELD_TIME.format("occurred_at")),
        holds={number: {"occurred_at": SECONDS} for number in (1, 2, 3)},
    ),
    FaultyRows(
        "amounts that are not known", "app_install__transactions", "app_install/transactions.csv",
        values(PURCHASE, 1, "amount", "50", "n/a", "N/A", "unknown", "-5", "", "fifty", "1,000.50", "nan",
               "-inf"),
        10, dict.fromkeys((7, 8, 9, 10), WITHHELD_NUMBER.format("amount")),
        holds={
            1: {"amount": 50.0, "coded_missing": None} | CALLER,
            2: {"amount": None, "coded_missing": ["amount"]},
            3: {"amount": None, "coded_missing": ["amount"]},
            4: {"amount": None, "coded_missing": ["amount"]},
            5: {"amount": -5.0},
            6: {"amount": None, "coded_missing": None},
        },
    ),
    FaultyRows(
        "transactions repeated", "app_install__transactions", "app_install/transactions_more.csv",
        lines(PURCHASE, 101, {"transaction_id": "t1"}, {"transaction_id": "t1", "amount": "51"},
              {"msisdn": "x"}, {"msisdn": ""}, {"kind": ""}, {"transaction_id": ""}, {}),
        7,
        {2: "duplicated key: transaction_id 't1' is already there", 3: PHONE,
         4: "column 'msisdn' is empty", 5: "column 'kind' is empty", 6: "column 'transaction_id' is empty"},
        [1], holds={7: CALLER},
    ),
    FaultyRows(
        "the delimiter in a quoted name", "app_install__installs", "app_install/installs.csv",
        lines(INSTALL | {"note, free": "a, b"}, 1, {}, {"installed_at": "2024-02-30 10:00:00"}, {}), 3,
        {2: WITHHELD_TIME.format("installed_at")}, holds={1: CALLER, 3: CALLER},
    ),
    FaultyRows(
        "phone numbers as numbers", "app_install__installs", "app_install/installs.parquet",
        parquet(INSTALL, 101, {"msisdn": 254711222333}, {"msisdn": None}, {"msisdn": 42}), 3,
        {2: "column 'msisdn' is empty", 3: PHONE}, holds={1: CALLER},
    ),
    FaultyRows(
        "phone numbers as decimals", "app_install__installs", "app_install/installs_decimals.parquet",
        parquet(INSTALL, 201, {"msisdn": 254711222333.0}, {"msisdn": None}, {"msisdn": 42.0}), 3,
        {2: "column 'msisdn' is empty", 3: PHONE}, holds={1: CALLER},
    ),
    FaultyRows(
        "one number in many spellings", "app_install__installs", "app_install/installs_spellings.csv",
        lines(INSTALL, 301, *({"install_id": "i301", "msisdn": spelling} for spelling in
              ("254711222333.0", "0711222333", "+254 711 222 333", "254711222334", "254711222333"))), 5,
        {4: "duplicated key: install_id 'i301' is already there"}, [2, 3, 5], holds={1: CALLER},
    ),
    FaultyRows(
        "private values in the wrong column", "app_install__subscribers",
        "app_install/subscribers_shifted.csv",
        lines(SUBSCRIBER, 6001, {"age": "wanjiru@example.com"}, {"activation_date": "0711 222 333"},
              {"msisdn": "Wanjiru Otieno"}, {}),
        4, {1: WITHHELD_WHOLE.format("age"), 2: WITHHELD_DATE.format("activation_date"), 3: PHONE},
    ),
    # display_ads: devices and interest_topics
    FaultyRows(
        "malformed interests", "display_ads__devices", "display_ads/devices.csv",
        values(DEVICE, 1, "long_term_interests", '{"12": 0.5}', '{"12": }', "[1, 2]", "5", "{}", "",
               "{'12': 0.5}", '{"99999": 1}', "null", "{12: 0.5}", '{"12": 0.5', "12:0.5",
               '{"12": 0.5, "12": 0.6}', '{"12": null}', '{"12": 1e999}', '{"12": "much"}', '{"12": [1]}',
               '{"12": -0.5, "13": 1}'),
        18,
        {number: INTERESTS.format(value) for number, value in
         {2: '{"12": }', 3: "[1, 2]", 4: "5", 7: "{'12': 0.5}", 9: "null", 10: "{12: 0.5}",
          11: '{"12": 0.5', 12: "12:0.5", 14: '{"12": null}',
          15: '{"12": 1e999}', 16: '{"12": "much"}', 17: '{"12": [1]}'}.items()},
        holds={
            1: {"long_term_interests": {"topics": ["12"], "weights": [0.5]}},
            5: {"long_term_interests": {"topics": [], "weights": []}},
            6: {"long_term_interests": None},
            8: {"long_term_interests": {"topics": ["99999"], "weights": [1.0]}},
            # a topic named twice counts with both weights
            13: {"long_term_interests": {"topics": ["12", "12"], "weights": [0.5, pytest.approx(0.6)]}},
            18: {"long_term_interests": {"topics": ["12", "13"], "weights": [-0.5, 1.0]}},
        },
    ),
    FaultyRows(
        "devices repeated", "display_ads__devices", "display_ads/devices_more.csv",
        lines(DEVICE, 101, {"device_id": "d1"}, {"device_id": "d1", "has_converted": "1"}, {"device_id": ""},
              {"observed_date": ""}, {"has_converted": "perhaps"}, {"has_converted": ""}),
        6,
        {2: "duplicated key: device_id 'd1' is already there", 3: "column 'device_id' is empty",
         4: "column 'observed_date' is empty", 5: YES_NO.format("has_converted", "perhaps")},
        [1], holds={6: {"has_converted": None}},
    ),
    FaultyRows(
        "Parquet among CSV", "display_ads__devices", "display_ads/devices.parquet",
        parquet(DEVICE, 201, {"has_converted": True, "observed_date": date(2024, 5, 1)},
                {"has_converted": None, "observed_date": None}), 2,
        {2: "column 'observed_date' is empty"},
        holds={1: {"has_converted": True, "observed_date": date(2024, 5, 1)}},
    ),
    FaultyRows(
        "a byte order mark", "display_ads__interest_topics", "display_ads/interest_topics.csv",
        ("\ufeff" + text(TOPIC, 1, {}, {"topic_name": '/Sports, "Golf"'}, {"topic_name": ""},
                         {"topic_id": "1"}, {"topic_id": "1", "topic_name": "/Arts"})).encode(),
        5,
        {3: "column 'topic_name' is empty", 5: "duplicated key: topic_id '1' is already there"}, [4],
        holds={1: {"topic_path": "/Sports/Golf"}, 2: {"topic_path": '/Sports, "Golf"'}},
    ),
    # mail_out: people, in parts by the file's name
    FaultyRows(
        "people repeated", "mail_out__people", "mail_out/customers.csv",
        lines(PERSON, 1, {}, {}, {"LNR": ""}, {"LNR": "2"}, {"LNR": "1", "RESPONSE": "1"}, {"LNR": "7.0"},
              {"LNR": "7.5"}),
        7,
        {3: "column 'LNR' is empty", 5: "duplicated key: person_id '1' part 'customers' is already there",
         7: WHOLE.format("LNR", "7.5")},
        [4], holds={1: {"part": "customers", "AGER_TYP": "2"}, 6: {"person_id": 7}},
    ),
    FaultyRows(
        "people that differ in a column of no name", "mail_out__people", "mail_out/customers_more.csv",
        lines(PERSON, 101, {}, {"LNR": "101", "AGER_TYP": "3"}, {"LNR": "101.0"}), 3,
        {2: "duplicated key: person_id '101' part 'customers' is already there"}, [3],
        holds={1: {"AGER_TYP": "2"}},
    ),
    FaultyRows(
        "the same people in another part", "mail_out__people", "mail_out/azdias.csv",
        lines(PERSON, 1, {}, {}, {}, delimiter=";", without=["RESPONSE"]), 3,
        holds={1: {"part": "population", "person_id": 1, "has_responded": None}},
    ),
    FaultyRows(
        "bars and responses that are none", "mail_out__people", "mail_out/mailout_train.csv",
        values(PERSON, 1, "RESPONSE", "0", "2", "perhaps", "", delimiter="|"), 4,
        {2: YES_NO.format("RESPONSE", "2"), 3: YES_NO.format("RESPONSE", "perhaps")},
        holds={1: {"part": "mail_out", "has_responded": False}, 4: {"has_responded": None}},
    ),
    # online_retail: invoice lines, which have no key
    FaultyRows(
        "lines twice, cancelled, returned", "online_retail__invoice_lines", "online_retail/lines.csv",
        lines(INVOICE_LINE, 1, {"InvoiceNo": "7"}, {"InvoiceNo": "7"}, {"InvoiceNo": "C8", "Quantity": "-6"},
              {"Quantity": "-1"}, {"Description": "?"}, {"Description": 'SET OF 3, "RED"'},
              {"InvoiceNo": ""}, {"StockCode": ""}),
        8, {7: "column 'InvoiceNo' or 'Invoice' is empty", 8: "column 'StockCode' is empty"},
        holds={
            1: {"invoice_id": "7"}, 2: {"invoice_id": "7"}, 3: {"invoice_id": "C8", "quantity": -6},
            4: {"quantity": -1}, 6: {"description": 'SET OF 3, "RED"'},
        },
    ),
    FaultyRows(
        "numbers that are none", "online_retail__invoice_lines", "online_retail/numbers.csv",
        lines(INVOICE_LINE, 1, {"CustomerID": "17850.0"}, {"CustomerID": ""}, {"CustomerID": "17850.5"},
              {"CustomerID": "nan"}, {"UnitPrice": ""}, {"UnitPrice": "free"}, {"Quantity": "1.5"},
              {"Quantity": "inf"}, {"UnitPrice": "-11062.06"}),
        9,
        {3: WHOLE.format("CustomerID' or 'Customer ID", "17850.5"),
         4: WHOLE.format("CustomerID' or 'Customer ID", "nan"),
         5: "column 'UnitPrice' or 'Price' is empty", 6: NUMBER.format("UnitPrice' or 'Price", "free"),
         7: WHOLE.format("Quantity", "1.5"), 8: WHOLE.format("Quantity", "inf")},
        holds={1: {"customer_id": 17850}, 2: {"customer_id": None}, 9: {"unit_price": -11062.06}},
    ),
    FaultyRows(
        "times of other countries", "online_retail__invoice_lines", "online_retail/times.csv",
        values(INVOICE_LINE, 1, "InvoiceDate", "12/1/2010 8:26", "2010-12-01T08:26", "13/5/2010 8:26",
               "02/30/2010 8:26", "40513.35", "1.12.2010 08:26", "2010-12-01 08:26",
               "12/1/10 8:26", "10-12-01 08:26", "infinity"),
        10,
        {number: TIME.format("InvoiceDate", value) for number, value in
         {3: "13/5/2010 8:26", 4: "02/30/2010 8:26", 5: "40513.35", 6: "1.12.2010 08:26",
          9: "10-12-01 08:26", 10: "infinity"}.items()},
        holds={number: {"purchased_at": datetime(2010, 12, 1, 8, 26)} for number in (1, 2, 7, 8)},
    ),
    FaultyRows(
        "semicolons and decimal commas", "online_retail__invoice_lines", "online_retail/semicolons.csv",
        lines(INVOICE_LINE, 1, {"Description": "A; B"}, {"UnitPrice": "2,55"}, {"Description": "C, D"},
              delimiter=";"),
        3, {2: NUMBER.format("UnitPrice' or 'Price", "2,55")},
        holds={1: {"description": "A; B"}, 3: {"description": "C, D"}},
    ),
    FaultyRows(
        "names of the later edition", "online_retail__invoice_lines", "online_retail/year 2011.csv",
        lines({{"InvoiceNo": "Invoice", "UnitPrice": "Price", "CustomerID": "Customer ID"}.get(name, name):
               value for name, value in INVOICE_LINE.items()}, 1, {}, {"Quantity": "x"}),
        2, {2: WHOLE.format("Quantity", "x")}, holds={1: {"invoice_id": "1", "unit_price": 2.55}},
    ),
    FaultyRows(
        "Parquet of numbers", "online_retail__invoice_lines", "online_retail/lines.parquet",
        parquet(INVOICE_LINE, 1, {"CustomerID": 17850.0, "Quantity": 6}, {"CustomerID": 1.5, "Quantity": 6},
                {"CustomerID": None, "Quantity": None}),
        3, {2: WHOLE.format("CustomerID' or 'Customer ID", "1.5"), 3: "column 'Quantity' is empty"},
        holds={1: {"customer_id": 17850, "quantity": 6}},
    ),
]  # fmt: skip
