"""Links between the pages, and what pages name in the repository, exist."""

import ast
import pathlib
import re

import pytest

from tests.docs.pages import PAGES, ROOT, RUN_BY, anchors, links

BY_NAME = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def test_the_readme_is_short_and_begins_with_what_no_other_tool_gives():
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 150
    first = " ".join(lines[2:]).split(". ")[0]
    assert "known pixel" in first and "edit the lines" in first


@BY_NAME
def test_links_lead_to_files_and_headings(page):
    dead = []
    for link in links(page):
        if re.match(r"https?://", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            dead.append(link)
    assert not dead


@BY_NAME
def test_files_and_tests_that_are_named_exist(page):
    """Paths in backticks from the top of the repository, and tests by name, where `...` may end it.

    Words in capitals, as in configs/SYSTEM/default.py, stand for any.
    """
    if page.name == "CHANGELOG.md":  # names what was there at the time
        return
    text = page.read_text(encoding="utf-8")
    folders = "benchmarks|configs|docs|edgeconnect_jax|scripts|tests"
    for path in re.findall(rf"`((?:{folders})/[\w/.-]+\.\w+)`", text) + RUN_BY.findall(text):
        assert list(ROOT.glob(re.sub("[A-Z]{3,}", "*", path))), path
    for path, name in re.findall(r"`(tests/[\w/]+\.py)::(\w+)(?:\.\.\.)?`", text):
        assert any(found.startswith(name) for found in functions(ROOT / path)), f"{path}::{name}"


def functions(path: pathlib.Path) -> list[str]:
    return [node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)]


def test_dead_links_and_headings_are_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# A Page: of two\n[here](#a-page-of-two) [gone](no.md)\n```sh\n# no heading\n[x](y)\n```\n`[a](b)`\n"
    )
    assert links(page) == ["#a-page-of-two", "no.md"]
    assert anchors(page) == {"a-page-of-two"}
