"""Links are written so that the site can be published below a base path."""

import re

from tests.support import REPOSITORY


def test_links_are_written_so_that_a_base_path_can_go_before_them() -> None:
    """Evidence puts it before the links of a page; those of a component begin with it themselves."""
    for page in (REPOSITORY / "reports/pages").rglob("*.md"):
        for link in re.findall(r"(?:href|src)=([^\s>]*)", page.read_text()):
            assert re.match(r'"(/|#|https?:)', link), (page.name, link)
    for component in (REPOSITORY / "reports/components").glob("*.svelte"):
        for link in re.findall(r"(?:href|src)=([^\s>]*)", component.read_text()):
            assert re.match(r'"(\{base\}|#)', link), (component.name, link)
