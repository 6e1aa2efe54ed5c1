"""Random changes keep the type of every field, and what belongs together."""

import numpy as np

from edgeconnect_jax.data import augmentation


def _fields(rng: np.random.Generator) -> dict[str, np.ndarray]:
    ids = rng.integers(-(2**31), 2**31, (9, 14, 1), np.int32)
    image, several = (rng.integers(0, 256, (9, 14, channels), np.uint8) for channels in (3, 7))
    return {"image": image, "several": several, "ids": ids, "none": several[..., :0]}


def test_mirrored_exchanges_left_and_right_of_every_field(rng: np.random.Generator) -> None:
    fields = _fields(rng)
    found = augmentation.mirrored(fields)
    for name, array in fields.items():
        assert found[name].dtype == array.dtype and found[name].flags.c_contiguous
        np.testing.assert_array_equal(found[name], array[:, ::-1])


def test_random_crop_draws_top_then_left_and_cuts_all_alike(rng: np.random.Generator) -> None:
    fields = _fields(rng)
    for seed in range(20):
        found = augmentation.random_crop(np.random.default_rng(seed), fields, 5)
        again = np.random.default_rng(seed)
        top, left = again.integers(5), again.integers(10)
        for name, array in fields.items():
            np.testing.assert_array_equal(found[name], array[top : top + 5, left : left + 5])


def test_jittered_scales_each_channel_and_shifts_all(rng: np.random.Generator) -> None:
    image = _fields(rng)["image"]
    found = augmentation.jittered(np.random.default_rng(1), image, 0.5)
    again = np.random.default_rng(1)
    factors, shift = again.uniform(0.5, 1.5, 3), again.uniform(-0.5, 0.5) * 255 / 4
    np.testing.assert_array_equal(found, np.clip(np.rint(image * factors + shift), 0, 255))
    assert found.dtype == np.uint8
