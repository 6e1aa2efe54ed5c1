import jax
import jax.numpy as jnp
import pytest

from edgeconnect_jax.layers import algorithms, direct
from edgeconnect_jax.layers.direct import DOUBLING, Geometry

WIDE = (3, 3, 256, 256)


def name(shape, dtype=jnp.float32, geometry=None):
    chosen = algorithms.for_inference(shape, jnp.dtype(dtype), geometry or Geometry())
    return chosen.compute.__module__.rsplit(".", 1)[1]


def test_the_wide_layers_of_a_generator_take_fewer_multiplications_on_a_cpu():
    assert name(WIDE) == name(WIDE, geometry=Geometry(dilation=2)) == "winograd"
    assert name((4, 4, 128, 256), geometry=Geometry(stride=2, padding=1)) == "winograd"
    assert name((4, 4, 256, 128), geometry=DOUBLING) == "winograd"


@pytest.mark.parametrize(
    ("shape", "dtype", "geometry"),
    [
        ((3, 3, 128, 128), jnp.float32, Geometry()),
        (WIDE, jnp.bfloat16, Geometry()),
        ((7, 7, 256, 256), jnp.float32, Geometry()),
        ((4, 4, 64, 128), jnp.float32, Geometry(stride=2, padding=1)),
    ],
)
def test_others_do_not(shape, dtype, geometry):
    assert name(shape, dtype, geometry) == "cpu"


@pytest.mark.parametrize(
    ("pictures", "kernel", "geometry", "chosen"),
    [
        ((4, 34, 34, 256), WIDE, Geometry(), "winograd"),
        ((4, 64, 64, 64), (3, 3, 64, 128), Geometry(padding=1), "winograd"),
        ((4, 64, 64, 128), (4, 4, 128, 256), direct.HALVING, "winograd"),
        ((4, 128, 128, 64), (3, 3, 64, 64), Geometry(padding=1), "algorithms"),  # too narrow
        ((4, 16, 16, 512), (3, 3, 512, 512), Geometry(padding=1), "algorithms"),  # too few tiles for the kernel
    ],
)
def test_training_takes_fewer_multiplications_where_that_pays(pictures, kernel, geometry, chosen):
    compute = algorithms.for_training(pictures, kernel, jnp.dtype(jnp.float32), geometry)
    assert getattr(compute, "func", compute).__module__.rsplit(".", 1)[1] == chosen


def test_other_backends_choose_for_themselves(monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert name(WIDE) == "direct"


def test_direct_only_ends_with_its_block():
    with algorithms.direct_only():
        assert name(WIDE) == "direct"
    assert name(WIDE) == "winograd"
