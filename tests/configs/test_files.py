"""A config file that cannot be loaded is reported in one line; one that has moved, with its new path."""

import pathlib

import pytest

from configs import files

ROOT = pathlib.Path(__file__).parents[2]

# All config files that there were before systems had folders, but for those that kept their paths.
OLD = [
    *("bsds500", "celeba", "celeba_edge", "celeba_edge_inpaint", "celeba_inpaint", "celeba_joint", "places2"),
    *("places2_edge_inpaint", "places2_inpaint", "places2_joint", "places2_paper", "psv", "psv_edge"),
    *("psv_edge_inpaint", "psv_inpaint", "psv_joint"),
]


@pytest.mark.parametrize("name", OLD)
def test_an_old_path_gives_the_new_one_which_loads(name, monkeypatch):
    monkeypatch.chdir(ROOT)
    text = files.problem(f"configs/{name}.py")
    old, new = text.split(" is now ")
    file, _, stage = new.partition(":")
    assert old == f"configs/{name}.py" and pathlib.Path(file).parent == pathlib.Path("configs/edgeconnect")
    assert name == (f"{pathlib.Path(file).stem}_{stage}" if stage else pathlib.Path(file).stem)
    assert files.problem(new) == ""


def test_the_new_path_is_as_absolute_as_the_old_one():
    assert files.problem("/somewhere/configs/celeba_joint.py") == (
        "/somewhere/configs/celeba_joint.py is now /somewhere/configs/edgeconnect/celeba.py:joint"
    )


def test_what_follows_the_colon_is_kept():
    assert files.problem("configs/original_yaml.py:a/config.yml") == (
        "configs/original_yaml.py is now configs/edgeconnect/original_yaml.py:a/config.yml"
    )


def test_a_file_of_a_user_with_an_old_name_is_loaded(tmp_path):
    path = tmp_path / "configs/celeba.py"
    path.parent.mkdir()
    path.write_text("from configs import default\n\ndef get_config():\n    return default.get_config()\n")
    assert files.problem(str(path)) == ""
    assert files.problem(str(tmp_path / "celeba.py")) == f"{tmp_path / 'celeba.py'}: no such config file"


@pytest.mark.parametrize(
    ("text", "argument", "expected"),
    [
        ("def get_config(:\n", "", ", line 1: invalid syntax"),
        ("\nfrom configs import recipe\n", "", "cannot import name 'recipe' from 'configs'"),
        ("from configs import places2\n", "", "configs/places2.py is now configs/edgeconnect/places2.py"),
        ("import configs.celeba_joint\n", "", "configs/celeba_joint.py is now configs/edgeconnect/celeba.py:joint"),
        ("import no_such_module\n", "", "No module named 'no_such_module'"),
        ("x = 1\n", "", "defines no get_config()"),
        ("def get_config():\n    return 1\n", ":edge", "takes no argument after a colon"),
        (
            "def get_config(stage):\n    raise ValueError(f'unknown stage {stage}')\n",
            ":edgy",
            ":edgy: unknown stage edgy",
        ),
        ("def get_config(path):\n    return open(path)\n", ":no_such.yml", "no_such.yml"),
    ],
)
def test_a_file_that_cannot_be_loaded_is_reported_in_one_line(tmp_path, text, argument, expected):
    path = tmp_path / "mine.py"
    path.write_text(text)
    problem = files.problem(f"{path}{argument}")
    assert problem.startswith(str(path)) and expected in problem
    assert len(problem.splitlines()) == 1


def test_an_error_in_what_a_config_computes_keeps_its_traceback(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("def get_config():\n    return {}['nothing']\n")
    with pytest.raises(KeyError, match="nothing"):
        files.problem(str(path))
