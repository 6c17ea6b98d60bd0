"""The consent rule of the build, for exports: `dbt_project/macros/consent.sql` rendered without dbt."""

from functools import cache
from pathlib import Path
from typing import Any

import jinja2

MACROS = Path(__file__).parents[2] / "dbt_project" / "macros"


@cache
def consent_macros() -> Any:
    """Return the macros of `consent.sql` as functions that return SQL."""
    paths = [next(MACROS.rglob(name)) for name in ("match_key.sql", "consent.sql")]
    text = "".join(path.read_text() for path in paths)
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined)  # noqa: S701 - SQL, not HTML
    return environment.from_string(text).module
