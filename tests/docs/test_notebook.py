"""The notebook runs from top to bottom, with a tiny model in place of the demo's."""

import base64
import io
import json
import pathlib

import numpy as np
import pytest
from PIL import Image

from tests.docs.pages import ROOT

NOTEBOOK = "docs/edgeconnect.ipynb"


@pytest.fixture
def clone(tmp_path) -> pathlib.Path:
    """A folder that looks like a clone, into which runs may be written."""
    (tmp_path / "docs").mkdir()
    for name in ("main.py", "configs", "edgeconnect_jax", NOTEBOOK):
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


def pictures(cell) -> list[np.ndarray]:
    """What a cell displays."""
    files = [output["data"]["image/png"] for output in cell["outputs"] if "image/png" in output.get("data", {})]
    return [np.array(Image.open(io.BytesIO(base64.b64decode(file)))) for file in files]


@pytest.mark.oracles
def test_it_trains_fills_and_shows_what_changed_lines_change(clone, monkeypatch):
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    monkeypatch.setenv("EDGECONNECT_NOTEBOOK", "tiny")
    notebook = nbformat.read(clone / NOTEBOOK, as_version=4)
    resources = {"metadata": {"path": str(clone / "docs")}}
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3", resources=resources).execute()

    cells = {cell["id"]: cell for cell in notebook.cells}
    assert (clone / "runs/notebook/checkpoints").is_dir()
    for name in ("picture", "fill", "lines", "change", "again"):
        assert len(pictures(cells[name])) == 1, name
    masked, before, after = np.split(pictures(cells["again"])[0], 3, axis=1)
    assert (before != masked).any() and (after != before).any()


def test_it_is_stored_without_outputs_and_its_kernel_is_every_installations():
    notebook = json.loads((ROOT / NOTEBOOK).read_text(encoding="utf-8"))
    assert all(not cell.get("outputs") and cell.get("execution_count") is None for cell in notebook["cells"])
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
