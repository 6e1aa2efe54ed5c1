"""The pages name every option of the commands, and none that a command does not have."""

import contextlib
import importlib
import io
import re

import pytest
from ml_collections import ConfigDict

from configs.edgeconnect import default
from tests.docs.pages import PAGES, ROOT

# Page -> the commands that it describes.
COMMANDS = {
    "systems/edgeconnect.md": ("edgeconnect_jax.inpaint", "scripts.convert_torch_ckpt", "scripts.export_torch_ckpt"),
    "data.md": ("scripts.prepare_data", "scripts.flist"),
    "evaluation.md": ("edgeconnect_jax.eval",),
    "serving.md": ("edgeconnect_jax.serve",),
}
# Named in the text of another page.
ELSEWHERE = {"--recipe", "--help"}


def options_of(command: str) -> set[str]:
    """The options that a command's help lists."""
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.suppress(SystemExit):
        importlib.import_module(command).main(["--help"])
    listed = re.findall(r"^  (-.*?)(?:  |$)", out.getvalue(), re.M)
    assert listed
    return {option for line in listed for option in re.findall(r"--[a-z][\w-]*", line)}


@pytest.mark.parametrize("page", COMMANDS)
def test_a_page_and_its_commands_have_the_same_options(page, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    known = set().union(*(options_of(command) for command in COMMANDS[page]))
    named = set(re.findall(r"--[a-z][\w-]*", text))
    rows = [row.split("|")[1] for row in re.findall(r"^\| `--.*$", text, re.M)]
    in_tables = {option for row in rows for option in re.findall(r"--[a-z][\w-]*", row)}
    assert known - named - ELSEWHERE == set()
    assert in_tables - known == set()


def test_options_of_configurations_that_pages_name_exist():
    config = default.get_config()
    groups = "|".join(name for name in config if isinstance(config[name], ConfigDict))
    pages = [page for page in PAGES if page.name not in ("CHANGELOG.md", "adding_a_system.md")]
    named = {
        (page.name, option)
        for page in pages
        for option in re.findall(rf"(?:--config\.|`)((?:{groups})\.[a-z]\w*)\b(?!/)", page.read_text(encoding="utf-8"))
    }
    wrong = {(page, option) for page, option in named if option.split(".")[1] not in config[option.split(".")[0]]}
    assert len(named) > 50
    assert {entry for entry in wrong if not entry[1].endswith(".py")} == set()
