"""EfficientNet-lite0 with random weights; the numbers are those of the package efficientnet-lite-pytorch 0.1.0."""

import jax
import numpy as np
import pytest

from edgeconnect_jax.importers.backbones import LITE0
from edgeconnect_jax.importers.layouts import to_variables
from edgeconnect_jax.models.efficientnet import BLOCKS, DISTANCE_LAYERS, EfficientNetLite0
from tests.metrics import oracles
from tests.synthetic import picture

# Map -> its mean and standard deviation, in float64 there.
GOLDEN = {
    "stem": (0.3026915, 0.41360743),
    "block0": (-0.037507967, 0.43342516),
    "block2": (-0.13970248, 0.91455461),
    "block4": (0.081034255, 1.3813336),
    "block10": (0.10150864, 2.3322814),
    "block15": (0.099138583, 1.7348466),
    "head": (0.97314352, 1.4054325),
}
SHAPES = {"stem": (20, 17, 32), "block1": (10, 9, 24), "block3": (5, 5, 40), "block5": (3, 3, 80), "head": (2, 2, 1280)}


@pytest.fixture(scope="module")
def tensors():
    return oracles.state("efficientnet_lite0")


@pytest.fixture(scope="module")
def image():
    """[1, 40, 33, 3]: sides that "SAME" pads unequally."""
    return np.float32(picture(3, 40, 33)[0][None]) / 255


@pytest.fixture(scope="module")
def variables(tensors):
    return to_variables(tensors, LITE0.entries("efficientnet_lite0", {}))


@pytest.fixture(scope="module")
def maps(variables, image):
    return {name: np.asarray(x) for name, x in jax.jit(EfficientNetLite0().apply)(variables, image).items()}


def test_maps_are_those_of_another_implementation(maps):
    assert maps.keys() == {"stem", *(f"block{i}" for i in range(len(BLOCKS))), "head"}
    assert {name: maps[name].shape[1:] for name in SHAPES} == SHAPES
    for name, expected in GOLDEN.items():
        np.testing.assert_allclose((maps[name].mean(), maps[name].std()), expected, rtol=1e-4, err_msg=name)


def test_stops_at_the_last_layer_asked_for(variables, image, maps):
    found = EfficientNetLite0("block1").apply(variables, image)
    assert list(found) == ["stem", "block0", "block1"]
    np.testing.assert_allclose(found["block1"], maps["block1"], atol=1e-4)
    half = EfficientNetLite0("block0", dtype=jax.numpy.bfloat16).apply(variables, image)["block0"]
    assert half.dtype == np.float32 and 1e-4 < np.abs(half - maps["block0"]).max() < 0.1


def test_distance_is_the_definition(variables, image, maps):
    other = np.ascontiguousarray(image[:, ::-1])
    module = EfficientNetLite0()
    found = jax.jit(lambda *pair: module.apply(variables, *pair, method="distance"))(image, other)
    turned = jax.jit(module.apply)(variables, other)
    expected = []
    for layer in DISTANCE_LAYERS:
        one, two = (x / np.linalg.norm(x, axis=-1, keepdims=True) for x in (maps[layer], np.asarray(turned[layer])))
        expected.append(((one - two) ** 2).sum(axis=-1).mean())
    np.testing.assert_allclose(found, [np.mean(expected)], rtol=1e-4)
    assert 0.1 < found[0] < 4


def convolved(x, tensors, key, norm, *, stride=1, groups=1):
    """One convolution and its norm in PyTorch, padded as TensorFlow pads."""
    import torch

    kernel = torch.from_numpy(tensors[key])
    pads = []
    for length in (x.shape[3], x.shape[2]):
        total = max((-(-length // stride) - 1) * stride + kernel.shape[2] - length, 0)
        pads += [total // 2, total - total // 2]
    x = torch.nn.functional.conv2d(torch.nn.functional.pad(x, pads), kernel, stride=stride, groups=groups)
    names = ("running_mean", "running_var", "weight", "bias")
    return torch.nn.functional.batch_norm(x, *(torch.from_numpy(tensors[f"{norm}.{n}"]) for n in names), eps=1e-3)


@pytest.mark.oracles
def test_equals_torch(tensors, image, maps):
    torch = pytest.importorskip("torch")
    clipped = torch.nn.functional.relu6
    x = torch.from_numpy(((255 * image - 127) / 128).transpose(0, 3, 1, 2).copy())
    x = clipped(convolved(x, tensors, "_conv_stem.weight", "_bn0", stride=2))
    for i, block in enumerate(BLOCKS):
        name, y = f"_blocks.{i}.", x
        if f"{name}_expand_conv.weight" in tensors:
            y = clipped(convolved(y, tensors, f"{name}_expand_conv.weight", f"{name}_bn0"))
        depthwise = f"{name}_depthwise_conv.weight"
        y = clipped(convolved(y, tensors, depthwise, f"{name}_bn1", stride=block.stride, groups=y.shape[1]))
        y = convolved(y, tensors, f"{name}_project_conv.weight", f"{name}_bn2")
        x = y + x if block.stride == 1 and x.shape[1] == y.shape[1] else y
        np.testing.assert_allclose(maps[f"block{i}"].transpose(0, 3, 1, 2), x.numpy(), atol=1e-4)
    head = clipped(convolved(x, tensors, "_conv_head.weight", "_bn1"))
    np.testing.assert_allclose(maps["head"].transpose(0, 3, 1, 2), head.numpy(), atol=1e-4)
