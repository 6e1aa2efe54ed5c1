"""A system is found by its folder, wherever the search path leads, and its parts are imported when they are used."""

import json
import pathlib
import sys

import pytest

from edgeconnect_jax import systems

PARTS = {"rules.py": "RULES = 'its rules'", "data.py": "READER = 'its reader'", "tasks/__init__.py": "TASKS = {}"}


@pytest.fixture
def foreign(tmp_path, monkeypatch):
    """A system of three parts, "foreign", in the search path; returns its folder."""
    folder = tmp_path / "systems/foreign"
    for name, text in {"__init__.py": "", **PARTS}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    monkeypatch.setattr(systems, "__path__", [*systems.__path__, str(folder.parent)])
    systems.load.cache_clear()
    yield folder
    systems.load.cache_clear()
    for name in [name for name in sys.modules if name.startswith("edgeconnect_jax.systems.foreign")]:
        del sys.modules[name]


def imported() -> set[str]:
    return {name.rpartition("foreign.")[2] for name in sys.modules if "edgeconnect_jax.systems.foreign." in name}


def test_systems_are_the_folders_of_the_search_path(foreign):
    assert systems.names() == ("edgeconnect", "foreign")
    assert systems.DEFAULT in systems.names()
    assert systems.load("foreign") is systems.load("foreign")


def test_parts_are_imported_one_by_one_when_they_are_used(foreign):
    system = systems.load("foreign")
    assert imported() == set()
    assert system.rules == "its rules" and imported() == {"rules"}
    assert system.reader == "its reader" and imported() == {"rules", "data"}
    (foreign / "data.py").unlink()
    assert system.reader == "its reader"


def test_what_a_system_does_not_have_is_named(foreign):
    system = systems.load("foreign")
    with pytest.raises(ValueError, match="the system 'foreign' has no evaluation"):
        _ = system.evaluation
    with pytest.raises(AttributeError, match="no part 'weather'"):
        _ = system.weather
    assert system.page is None


def test_a_part_that_cannot_be_imported_says_why(foreign):
    (foreign / "files.py").write_text("import nonsense_of_the_test")
    with pytest.raises(ModuleNotFoundError, match="nonsense_of_the_test"):
        _ = systems.load("foreign").files


def test_an_unknown_system_is_refused_with_those_that_exist():
    with pytest.raises(ValueError, match=r"^unknown system 'nothing': choose one of edgeconnect"):
        systems.load("nothing")
    with pytest.raises(ValueError, match=r"^--system: unknown system 'nothing'"):
        systems.load("nothing", "--system")


def test_a_folder_editor_without_a_page_is_no_page(foreign):
    (foreign / "editor").mkdir()
    (foreign / "editor/__init__.py").write_text("")
    assert systems.load("foreign").page is None


def checkpoint(folder: pathlib.Path, **meta) -> pathlib.Path:
    """A checkpoint as far as its description goes."""
    (folder / "variables").mkdir(parents=True)
    (folder / "meta").mkdir()
    (folder / "meta/metadata").write_text(json.dumps({"format": 1, "networks": {}, "step": 0, **meta}))
    return folder


def test_checkpoints_name_their_system_and_old_ones_are_edgeconnects(foreign, tmp_path):
    new, old = checkpoint(tmp_path / "new", system="foreign"), checkpoint(tmp_path / "old", config={})
    other = checkpoint(tmp_path / "other", system="foreign")
    assert systems.of_checkpoints([str(new), old, other]) == {"foreign": [new, other], "edgeconnect": [old]}
    assert list(systems.of_checkpoints([old, new])) == ["edgeconnect", "foreign"]


def test_backbones_belong_to_no_system_and_join_the_first(foreign, tmp_path):
    vgg = checkpoint(tmp_path / "vgg", networks={"vgg19": {}})
    new = checkpoint(tmp_path / "new", system="foreign", networks={"vgg19": {}, "painter": {}})
    assert systems.of_checkpoints([vgg, new]) == {"foreign": [new, vgg]}
    assert systems.of_checkpoints([vgg]) == {"edgeconnect": [vgg]}


def test_a_checkpoint_of_a_system_that_does_not_exist_is_named(tmp_path):
    path = checkpoint(tmp_path / "later", system="telepathy")
    with pytest.raises(
        ValueError, match=r"later: a checkpoint of the unknown system 'telepathy'; known systems: .*edgeconnect"
    ):
        systems.of_checkpoints([path])
    with pytest.raises(ValueError, match="no such checkpoint"):
        systems.of_checkpoints([tmp_path / "nothing"])
