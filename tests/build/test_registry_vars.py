"""The registry in dbt_project.yml: what it refuses, what it leaves out, and which columns are features."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jinja2
import pytest

from python_models.common.campaign import read_campaign
from tests.support import REPOSITORY, Dbt

PROJECT = REPOSITORY / "dbt_project"
NEEDS = "Campaign 'insurance' .* needs `source` and `has`"
INSURANCE = {"source": "insurance", "has": ["scores", "segments"]}


class CompilerError(Exception):
    """What dbt raises."""


class Returned(Exception):  # noqa: N818 - no error
    """A macro's value on its way out."""


def macro(file: str, name: str, variables: dict[str, Any] | None = None) -> Callable[..., Any]:
    """A macro of the project as a function; other macros of its file can be called too."""

    class Exceptions:
        @staticmethod
        def raise_compiler_error(message: str) -> None:
            raise CompilerError(message)

    def give_back(value: Any) -> None:
        raise Returned(value)

    environment = jinja2.Environment(extensions=["jinja2.ext.do"])  # noqa: S701 - SQL, not HTML
    environment.globals |= {"var": (variables or {}).get, "exceptions": Exceptions, "return": give_back}
    module = environment.from_string((PROJECT / "macros" / file).read_text()).module

    def call(*arguments: Any) -> Any:
        try:
            return getattr(module, name)(*arguments)
        except Returned as returned:
            return returned.args[0]

    return call


@pytest.mark.parametrize(
    ("campaigns", "sentence"),
    [
        ({}, "lists no campaign. Name at least one"),
        ([], "lists no campaign. Name at least one"),
        (["insurance"], "lists no campaign. Name at least one"),
        ({"insurance": {"has": ["scores"]}}, NEEDS),
        (
            {"insurance": {"source": "insurance", "has": []}},
            NEEDS,
        ),
        (
            {"insurance": {"source": "insurance", "has": ["scores", "clicks"]}},
            "Campaign 'insurance' .* has 'clicks', which is unknown; allowed: scores, segments, topics",
        ),
        (
            {"insurance": {"source": "insurance", "has": ["scores"], "sparks": True}},
            "Campaign 'insurance' .* key 'sparks' is unknown",
        ),
        (
            {"variant": {"source": "insurance", "has": ["scores"], "variant_of": "insurance"}},
            "Campaign 'variant' .* reads the mart of 'insurance', which is not listed; list it too",
        ),
    ],
)
def test_a_registry_that_cannot_be_built_is_refused_in_one_sentence(campaigns: Any, sentence: str) -> None:
    with pytest.raises(CompilerError, match=sentence) as refused:
        macro("registry.sql", "registry", {"campaigns": campaigns})()
    assert str(refused.value).count(". ") <= 1


def test_a_registry_that_can_be_built_is_given_back() -> None:
    campaigns = {"insurance": INSURANCE}
    assert macro("registry.sql", "registry", {"campaigns": campaigns})() == campaigns


def test_marts_have_the_features_that_training_has() -> None:
    declaration = {
        "campaign": "shop",
        "title": "t",
        "question": "q",
        "source": "shop",
        "source_note": "n",
        "entity": "order_id",
        "label": "has_returned",
        "as_of": "ordered_on",
        "order_by": "order_number",
        "label_known_at": "known_on",
        "group_by": "customer_id",
        "baseline": "last_year",
        "withhold": ["comment"],
        "known_at": {"stock": "counted_at", "comment": "after_contact"},
        "audit": ["gender", "region"],
        "allow_audited": ["region"],
        "contact_cost": "postage",
        "conversion_value": "order_worth",
    }
    found = set(macro("marts.sql", "not_features")(declaration))
    assert found - {"after_contact"} == read_campaign(declaration).not_features
    assert {"order_worth", "postage", "gender"} <= found
    assert "region" not in found


def test_money_that_is_a_number_hides_no_column() -> None:
    found = macro("marts.sql", "not_features")({"entity": "id", "contact_cost": 4.0, "conversion_value": 90})
    assert found == ["id", "split"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Dbt's project in a folder of the test's own."""
    copy = tmp_path / "dbt_project"
    shutil.copytree(PROJECT, copy, ignore=shutil.ignore_patterns("target", "logs"))
    return copy


def test_only_what_is_listed_is_built(project: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    dbt = Dbt(tmp_path, tmp_path / "data", project)
    variables = json.dumps({"campaigns": {"insurance": INSURANCE}})
    printed = dbt("-q", "ls", "--output", "name", "--resource-types", "model", "source", "--vars", variables)
    names = printed.split()
    others = ("app_install", "coupon", "display_ads", "mail_out", "online_retail", "insurance_with")
    assert [name for name in names if any(other in name for other in others)] == []
    assert {"stg_insurance__calls", "insurance_features", "insurance_scores", "insurance_segments"} <= {
        *names
    }
    assert {"customers", "conversion_scores", "segments", "conversion_topics"} <= {*names}
    assert "lists no campaign" in dbt.fails("parse", "--vars", "campaigns: {}")
    poll = {"source": "poll", "has": ["scores"]}
    printed = dbt.fails("parse", "--vars", json.dumps({"campaigns": {"insurance": INSURANCE, "poll": poll}}))
    assert "every_listed_campaign_has_its_models.sql) depends on a node named 'poll_features'" in printed
