"""Layouts of arrays, both ways."""

import numpy as np
import pytest

from edgeconnect_jax.importers.layouts import KERNEL, SAME, Entry, convolution, to_state_dict, to_variables, twins


@pytest.mark.parametrize("transposed", [False, True])
def test_there_and_back_changes_no_bit(transposed, rng):
    entries = convolution("layer", ("a", "b"), 4, spectral=True, transposed=transposed)
    shapes = [(6,), (5, 6, 4, 4) if transposed else (6, 5, 4, 4), (6,), (5 * 4 * 4,)]
    state = {key: rng.random(shape, np.float32) for key, shape in zip(entries, shapes, strict=True)}
    variables = to_variables(state, entries)
    assert variables["params"]["a"]["b"]["kernel"].shape == (4, 4, 5, 6)
    again = to_state_dict(variables, entries)
    assert list(again) == list(entries)
    for key, array in again.items():
        assert array.flags.c_contiguous and array.tobytes() == state[key].tobytes(), key


def test_a_transposed_kernel_is_flipped_and_so_is_its_v():
    entries = convolution("layer", (), 4, spectral=True, transposed=True)
    kernel, v = np.arange(2 * 3 * 4 * 4).reshape(2, 3, 4, 4), np.arange(2 * 4 * 4)
    ours = entries["layer.weight_orig"].layout.to_ours(kernel)
    assert ours.shape == (4, 4, 2, 3) and ours[0, 1, 1, 2] == kernel[1, 2, 3, 2]
    ours = entries["layer.weight_v"].layout.to_ours(v)
    assert ours.shape == (4, 4, 2) and ours[0, 1, 1] == v.reshape(2, 4, 4)[1, 3, 2]


def test_twins_are_one_array(rng):
    entries = {
        "a": Entry(("params", "x"), KERNEL),
        "b": Entry(("params", "y"), SAME),
        "c": Entry(("params", "x"), KERNEL),
    }
    assert twins(entries) == {"c": "a"}
    state = {"a": rng.random((2, 3, 1, 1)), "b": rng.random(4)}
    variables = to_variables(state, entries)
    assert variables["params"].keys() == {"x", "y"}
    again = to_state_dict(variables, entries)
    assert list(again) == ["a", "b", "c"] and again["c"] is again["a"]
    np.testing.assert_array_equal(again["a"], state["a"])
