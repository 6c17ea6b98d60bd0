"""Every query of the reports is read by a page; what pages read is found in their SQL."""

import re

from tests.support import REPOSITORY

REPORTS = REPOSITORY / "reports"


def tables_read(text: str, schema: str) -> set[str]:
    """Tables of a schema that SQL in a text reads."""
    return set(re.findall(rf"\b(?:from|join)\s+{schema}\.(\w+)", text))


# Method and glossary are words alone.
PAGES = sorted(
    str(page.relative_to(REPOSITORY))
    for page in (REPORTS / "pages").rglob("*.md")
    if tables_read(page.read_text(), "warehouse")
)


def test_every_query_of_the_reports_is_read_by_a_page() -> None:
    read = set().union(*(tables_read((REPOSITORY / page).read_text(), "warehouse") for page in PAGES))
    assert read == {query.stem for query in (REPORTS / "sources/warehouse").glob("*.sql")}
