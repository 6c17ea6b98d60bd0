"""The rules of dbt-project-evaluator over dbt's manifest, by this project's names and keys.

`findings` returns what each rule finds. `project_rules.yml` has the reason of each finding that stays.
"""

import re
from collections.abc import Callable
from typing import Any

Node = dict[str, Any]
KEY_TESTS = {"unique", "unique_key"}
MAX_PARENTS, MAX_LEAF_CHILDREN, MAX_CHAINED_VIEWS = 7, 3, 4
NOT_STORED = {"view", "ephemeral"}
HARD_CODED = re.compile(
    r"(?im)\b(?:from|join)\s+(?:\"?\w+\"?\.)?\"?(?:main|temp|staging|core|campaigns|results|identities)\"?\.\"?\w+"
)


class Project:
    """A manifest, and what rules ask of it."""

    def __init__(self, manifest: Node):
        self.package = manifest["metadata"]["project_name"]
        nodes = {
            name: node for name, node in manifest["nodes"].items() if node["package_name"] == self.package
        }
        self.models = {name: node for name, node in nodes.items() if node["resource_type"] == "model"}
        self.sources = manifest["sources"]
        self.exposures = manifest["exposures"]
        self.parent_map, self.child_map = manifest["parent_map"], manifest["child_map"]
        self.key_tested = {
            node["attached_node"]
            for node in nodes.values()
            if node["resource_type"] == "test" and (node.get("test_metadata") or {}).get("name") in KEY_TESTS
        }

    def parents(self, name: str) -> list[str]:
        return [parent for parent in self.parent_map.get(name, []) if parent in self.models]

    def children(self, name: str) -> list[str]:
        return [child for child in self.child_map.get(name, []) if child in self.models]

    def read_sources(self, name: str) -> list[str]:
        return [parent for parent in self.parent_map.get(name, []) if parent in self.sources]

    def layer(self, name: str) -> str:
        """Return the first folder of a model, `base` for what reads files in `staging`."""
        if self.models[name]["name"].startswith("base_"):
            return "base"
        return self.models[name]["path"].split("/")[0]

    def is_stored(self, name: str) -> bool:
        return self.models[name]["config"]["materialized"] not in NOT_STORED

    def chained_views(self, name: str) -> int:
        """Return how many views and ephemeral models follow one another up to this one."""
        if self.is_stored(name):
            return 0
        return 1 + max([self.chained_views(parent) for parent in self.parents(name)], default=0)


Rule = Callable[[Project], set[str]]
RULES: dict[str, Rule] = {}


def rule(find: Rule) -> Rule:
    RULES[find.__name__] = find
    return find


def findings(manifest: Node) -> dict[str, set[str]]:
    """Return rule -> names of the models, columns, sources and exposures that break it."""
    project = Project(manifest)
    found = {name: find(project) for name, find in RULES.items()}
    return {
        name: {text.removeprefix(f"model.{project.package}.") for text in names}
        for name, names in found.items()
    }


@rule
def missing_primary_key_tests(project: Project) -> set[str]:
    """Stored models and views of which no test says that a key is unique."""
    models = {name for name, node in project.models.items() if node["config"]["materialized"] != "ephemeral"}
    return models - project.key_tested


@rule
def undocumented(project: Project) -> set[str]:
    columns = {
        f"{name}.{column['name']}"
        for name, node in project.models.items()
        for column in node["columns"].values()
        if not column["description"]
    }
    nodes = project.models | project.sources | project.exposures
    return columns | {name for name, node in nodes.items() if not node["description"]}


@rule
def public_models_without_contract(project: Project) -> set[str]:
    return {
        name
        for name, node in project.models.items()
        if node["access"] == "public" and not node["config"]["contract"]["enforced"]
    }


@rule
def names_of_another_layer(project: Project) -> set[str]:
    """Staging is `base_` or `stg_`, the source and two underscores; other layers have neither prefix."""

    def fits(node: Node) -> bool:
        layer, folder = node["path"].split("/")[0], node["fqn"][-2]
        prefix = re.match(r"(base|stg)_", node["name"])
        if layer == "staging":
            return bool(re.match(rf"(base|stg)_{folder}__\w+$", node["name"]))
        return not prefix

    return {name for name, node in project.models.items() if not fits(node)}


@rule
def sources_read_by_several_models(project: Project) -> set[str]:
    return {name for name in project.sources if len(project.children(name)) > 1}


@rule
def unused_sources(project: Project) -> set[str]:
    return {name for name in project.sources if not project.children(name)}


@rule
def sources_without_freshness(project: Project) -> set[str]:
    return {name for name, node in project.sources.items() if not (node["freshness"] or {}).get("warn_after")}


@rule
def sources_read_beyond_base_models(project: Project) -> set[str]:
    return {name for name in project.models if project.read_sources(name) and project.layer(name) != "base"}


@rule
def sources_joined(project: Project) -> set[str]:
    """Several sources, or a source and a model, are read by one model."""
    return {
        name
        for name in project.models
        if project.read_sources(name) and len(project.parents(name) + project.read_sources(name)) > 1
    }


@rule
def root_models(project: Project) -> set[str]:
    return {name for name in project.models if not project.parent_map.get(name)}


@rule
def staging_on_staging(project: Project) -> set[str]:
    """A staging model reads its base models alone, and these read files."""
    allowed = {"staging": {"base"}, "base": set[str]()}
    return {
        name
        for name in project.models
        if project.layer(name) in allowed
        and any(project.layer(parent) not in allowed[project.layer(name)] for parent in project.parents(name))
    }


@rule
def hard_coded_references(project: Project) -> set[str]:
    return {
        name
        for name, node in project.models.items()
        if node["language"] == "sql" and HARD_CODED.search(re.sub(r"(?m)--.*$", "", node["raw_code"]))
    }


@rule
def rejoined_concepts(project: Project) -> set[str]:
    """A model between two that are joined again, read by nothing else and made of nothing else."""
    return {
        between
        for above in project.models
        for between in project.children(above)
        if project.parent_map[between] == [above]
        and len(project.children(between)) == 1
        and project.children(between)[0] in project.children(above)
    }


@rule
def too_many_parents(project: Project) -> set[str]:
    return {name for name in project.models if len(project.parents(name)) > MAX_PARENTS}


@rule
def too_many_leaves(project: Project) -> set[str]:
    return {
        name
        for name in project.models
        if sum(not project.children(child) for child in project.children(name)) > MAX_LEAF_CHILDREN
    }


@rule
def chained_views(project: Project) -> set[str]:
    return {name for name in project.models if project.chained_views(name) > MAX_CHAINED_VIEWS}


@rule
def exposures_of_private_models(project: Project) -> set[str]:
    return _exposed(project, lambda name: project.models[name]["access"] != "public")


@rule
def exposures_of_views(project: Project) -> set[str]:
    return _exposed(project, lambda name: not project.is_stored(name))


def _exposed(project: Project, is_wrong: Callable[[str], bool]) -> set[str]:
    return {
        f"{node['name']}: {project.models[parent]['name']}"
        for node in project.exposures.values()
        for parent in node["depends_on"]["nodes"]
        if parent in project.models and is_wrong(parent)
    }
