"""Both sides of the benchmark of whole processes fill alike; what they take is not looked at."""

import pytest

pytest.importorskip("torch")

from benchmarks import startup
from benchmarks.sides.edgeconnect import torch_startup
from edgeconnect_jax import inpaint
from edgeconnect_jax.images import files

pytestmark = pytest.mark.oracles


def test_both_sides_fill_alike(tmp_path):
    startup.write_inputs(tmp_path, 32, 4, 1)
    ours, theirs = startup.commands(tmp_path, 4, 1)
    torch_startup.main(theirs[2:])
    assert inpaint.main([*ours[2:-2]]) == 0  # without its own compilation cache
    startup.check_equal(tmp_path)
    files.write_png(tmp_path / "theirs.png", files.read_rgb8(tmp_path / "picture.png"))
    with pytest.raises(ValueError, match="fill differently"):
        startup.check_equal(tmp_path)
