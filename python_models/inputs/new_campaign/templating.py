"""Templates of a new campaign's files."""

import re
from pathlib import Path
from typing import Any

import jinja2

TEMPLATES = Path(__file__).parent / "templates"


def render(template: str, **values: Any) -> str:
    """Render a template, in which `<< >>` and `<% %>` are ours and braces are dbt's."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        block_start_string="<%",
        block_end_string="%>",
        variable_start_string="<<",
        variable_end_string=">>",
        comment_start_string="<#",
        comment_end_string="#>",
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - SQL and YAML, no HTML
    )
    return environment.get_template(f"{template}.jinja").render(values, yaml_string=yaml_string)


def yaml_string(text: str) -> str:
    """Return text as a one-line YAML string that Jinja does not interpret."""
    plain = re.sub(r"\{(?=[{%#])", "{ ", text)
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'
