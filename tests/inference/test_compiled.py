import jax
import numpy as np
import pytest

from edgeconnect_jax.inference.compiled import Compiled


def padded(array, multiple=4, smallest=16):
    """What a function run by `Compiled` sees of an array [H, W, C]."""
    seen = []

    def function(_, x):
        jax.debug.callback(lambda x: seen.append(np.asarray(x)), x)
        return x

    run = Compiled(function, None, multiple=multiple, smallest=smallest)
    returned = run(array)
    jax.effects_barrier()
    np.testing.assert_array_equal(returned, array)
    return seen[0][0]


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((16, 16), (16, 16)),
        ((17, 20), (20, 20)),
        ((15, 33), (16, 36)),
        ((1, 1), (16, 16)),
        ((64, 63), (64, 64)),
        ((18, 7), (20, 16)),
    ],
)
def test_pictures_grow_to_16_and_to_the_next_multiple_of_4_and_no_further(size, expected, rng):
    array = rng.random((*size, 3), np.float32)
    seen = padded(array)
    assert seen.shape == (*expected, 3)
    np.testing.assert_array_equal(seen[: size[0], : size[1]], array)


def test_sides_of_16_are_reflected_and_smaller_ones_repeat_their_last_line():
    rows = np.arange(18, dtype=np.float32)[:, None, None] + np.zeros((18, 16, 1), np.float32)
    np.testing.assert_array_equal(padded(rows)[16:, 0, 0], [16, 17, 16, 15])
    np.testing.assert_array_equal(padded(rows[:13])[12:, 0, 0], [12, 12, 12, 12])
    np.testing.assert_array_equal(padded(rows.swapaxes(0, 1))[0, 16:, 0], [16, 17, 16, 15])


def test_labels_are_padded_as_labels():
    labels = np.arange(5 * 6, dtype=np.int32).reshape(5, 6, 1)
    seen = padded(labels, multiple=4, smallest=4)
    assert seen.dtype == np.int32
    np.testing.assert_array_equal(seen[..., 0], np.pad(labels[..., 0], ((0, 3), (0, 2)), mode="reflect"))


def test_every_output_is_cropped_and_none_stays_none(rng):
    def function(scale, image, mask):
        return {"scaled": scale * image, "none": None, "both": (image, mask)}

    run = Compiled(function, 2.0, multiple=8, smallest=8)
    image, mask = rng.random((3, 9, 10, 3), np.float32), rng.random((3, 9, 10, 1), np.float32)
    outputs = run(image, mask)
    np.testing.assert_array_equal(outputs["scaled"], 2 * image)
    assert outputs["none"] is None
    np.testing.assert_array_equal(outputs["both"][1], mask)
    alone = run(image[0], mask[0])
    np.testing.assert_array_equal(alone["both"][0], image[0])


def test_one_program_a_padded_size_and_dtype_of_which_the_last_are_kept(monkeypatch):
    compiled, compile_ = [], Compiled._compile
    monkeypatch.setattr(Compiled, "_compile", lambda self, *x: (compiled.append(x[0].shape), compile_(self, *x))[1])
    run = Compiled(lambda _, x: x, None, multiple=4, smallest=4, cache_size=2)
    run.warm_up(jax.ShapeDtypeStruct((1, 7, 9, 1), np.float32))
    assert compiled == [(1, 8, 12, 1)]
    for size in [(8, 11), (5, 10), (4, 4), (8, 12), (12, 4), (4, 4)]:
        run(np.zeros((*size, 1), np.float32))
    assert compiled[1:] == [(1, 4, 4, 1), (1, 12, 4, 1), (1, 4, 4, 1)]


def test_arrays_of_other_sizes_are_refused():
    run = Compiled(lambda _, x, y: x, None, multiple=4, smallest=4)
    with pytest.raises(ValueError, match=r"share B, H and W, not \[\(1, 8, 8, 3\), \(1, 8, 4, 1\)\]"):
        run(np.zeros((8, 8, 3)), np.zeros((8, 4, 1)))


@pytest.mark.parametrize(
    ("wrong", "named"),
    [({"smallest": 2}, "smallest=2"), ({"smallest": 6}, "smallest=6"), ({"cache_size": 0}, "cache_size")],
)
def test_options_that_cannot_work_are_refused(wrong, named):
    with pytest.raises(ValueError, match=named):
        Compiled(lambda _, x: x, None, **{"multiple": 4, "smallest": 8} | wrong)
