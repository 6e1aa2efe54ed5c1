"""Outside its own folder no system and none of its networks is named: in code, comments, docstrings and the page."""

import pathlib
import re
from collections.abc import Iterable

from edgeconnect_jax import systems

PACKAGE = pathlib.Path(__file__).parents[1] / "edgeconnect_jax"

# Commands that carry a system's name because its verb is theirs, and the two that find systems.
OF_A_SYSTEM = {"__init__.py", "inpaint.py"}

SUFFIXES = {".py", ".js", ".css", ".html", ".svg"}


def shared_files() -> list[pathlib.Path]:
    paths = [path for path in PACKAGE.rglob("*") if path.suffix in SUFFIXES]
    return sorted(path for path in paths if path.relative_to(PACKAGE).parts[0] != "systems")


def naming(paths: Iterable[pathlib.Path], names: Iterable[str]) -> dict[str, set[str]]:
    """File -> those of the names that it holds as whole words."""
    words = re.compile(rf"\b(?:{'|'.join(map(re.escape, names))})\b", re.IGNORECASE)
    found = {str(path.relative_to(PACKAGE)): words.findall(path.read_text(encoding="utf-8")) for path in paths}
    return {path: {word.lower() for word in words} for path, words in found.items() if words}


def test_no_network_of_a_system_is_named_outside_it():
    networks = {network for name in systems.names() for network in systems.load(name).networks}
    assert "edge_generator" in networks
    assert not naming(shared_files(), networks)


def test_no_system_is_named_outside_it():
    """`edgeconnect_jax` is the name of the package, not of a system."""
    found = naming(shared_files(), systems.names())
    assert not {path: names for path, names in found.items() if path not in OF_A_SYSTEM}


def test_names_are_found_in_code_comments_and_docstrings(tmp_path, monkeypatch):
    monkeypatch.setattr("tests.test_names.PACKAGE", tmp_path)
    texts = {
        "code.py": "edge_generator = 1",
        "comment.py": "# as in EdgeConnect's code",
        "text.py": '"""Runs "edge_generator"."""',
        "other.py": "edge_generators = 'edgeconnect_jax'",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    found = naming(sorted(tmp_path.iterdir()), ("edge_generator", "edgeconnect"))
    assert found == {"code.py": {"edge_generator"}, "comment.py": {"edgeconnect"}, "text.py": {"edge_generator"}}
