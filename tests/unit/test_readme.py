"""The README names verbs, files and queries that are there, and CI runs its test commands."""

import re
from pathlib import Path

from tests.support import REPOSITORY

README = (REPOSITORY / "README.md").read_text() if (REPOSITORY / "README.md").exists() else ""
PAGE = (REPOSITORY / "docs/queries.md").read_text()
# each with the first line of the output that stands below it, if one does
TEN = re.findall(r"## [0-9]+\. [^\n]+\n.*?```sql\n(.*?)```\n\n    ([^\n]+)", PAGE, re.S)
QUERIES = re.findall(r"```sql\n(.*?)```", README, re.S)


def test_there_are_three_queries_to_try_and_ten_that_people_ask_for() -> None:
    assert len(QUERIES) >= 3
    assert len(TEN) == len(re.findall("```sql", PAGE)) == 10


def test_every_make_verb_and_file_it_names_is_there() -> None:
    makefile = (REPOSITORY / "Makefile").read_text()
    for verb in re.findall(r"`make ([a-z-]+)", README):
        assert re.search(rf"^{verb}:", makefile, re.M), verb
    for path in re.findall(r"\]\(((?!http)[^)#]+)\)", README):
        assert (REPOSITORY / path).exists(), path


def test_ci_runs_the_command_of_the_readme() -> None:
    script = (REPOSITORY / ".ci" / "run").read_text()
    assert script.rstrip().endswith("\nmake test\nmake test-slow")
    assert "make test" in README
    assert "make test-slow" in README
    assert Path(REPOSITORY / ".ci" / "run").stat().st_mode & 0o100
