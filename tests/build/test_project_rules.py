"""The rules of dbt-project-evaluator: no finding without a reason, no reason without a finding."""

import copy
import json
from fnmatch import fnmatchcase
from typing import Any

import pytest
import yaml

from tests.project_rules import RULES, findings
from tests.support import REPOSITORY, parsed_project

REASONS: dict[str, dict[str, list[str]]] = yaml.safe_load(
    (REPOSITORY / "tests/project_rules.yml").read_text()
)


@pytest.fixture(scope="session")
def manifest() -> dict[str, Any]:
    return json.loads((parsed_project() / "manifest.json").read_text())


def test_each_finding_has_one_reason_and_each_reason_a_finding(manifest: dict[str, Any]) -> None:
    found = findings(manifest)
    assert set(REASONS) <= set(RULES)
    for rule, names in found.items():
        accepted = [name for reason in REASONS.get(rule, {}).values() for name in reason]
        for name in names:
            assert sum(fnmatchcase(name, pattern) for pattern in accepted) == 1, f"{rule}: {name}"
        for pattern in accepted:
            assert any(fnmatchcase(name, pattern) for name in names), f"{rule}: nothing is {pattern} any more"


def test_each_rule_finds_its_fault(manifest: dict[str, Any]) -> None:
    """Faults put into the manifest are found, each by the rule about it."""
    broken = copy.deepcopy(manifest)
    nodes, parents, children = broken["nodes"], broken["parent_map"], broken["child_map"]

    def read(child: str, parent: str) -> None:
        parents[child].append(parent)
        children[parent].append(child)

    base, stage, mart, scores = (
        f"model.leadlight.{name}"
        for name in (
            "base_insurance__calls",
            "stg_insurance__calls",
            "insurance_features",
            "conversion_scores",
        )
    )
    source = "source.leadlight.insurance.calls"
    nodes[scores]["config"]["contract"]["enforced"] = False
    nodes[scores]["columns"]["campaign"]["description"] = ""
    nodes[scores]["raw_code"] += "left join results.campaigns using (campaign)"
    nodes["model.leadlight.value_groups"]["access"] = "protected"
    nodes[mart]["name"] = "stg_insurance__features"
    broken["sources"][source]["freshness"] = None
    read(mart, source)
    read(stage, "model.leadlight.stg_mail_out__people")
    read(base, mart)
    parents["model.leadlight.held_out"] = []
    for test in nodes.values():
        if test.get("attached_node") == "model.leadlight.coupon_contacts":
            test["test_metadata"] = None
    new = {rule: names - findings(manifest)[rule] for rule, names in findings(broken).items()}
    assert {rule: names for rule, names in new.items() if names} == {
        "missing_primary_key_tests": {"coupon_contacts"},
        "undocumented": {"conversion_scores.campaign"},
        "public_models_without_contract": {"conversion_scores"},
        "names_of_another_layer": {"insurance_features"},
        "sources_read_by_several_models": {source},
        "sources_without_freshness": {source},
        "sources_read_beyond_base_models": {"insurance_features"},
        "sources_joined": {"insurance_features", "base_insurance__calls"},
        "staging_on_staging": {"stg_insurance__calls", "base_insurance__calls"},
        "hard_coded_references": {"conversion_scores"},
        "root_models": {"held_out"},
        "exposures_of_private_models": {"report_segments: value_groups"},
    }
