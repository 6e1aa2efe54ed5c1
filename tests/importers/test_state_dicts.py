"""Networks out of state dicts in the forms that are found."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from edgeconnect_jax.importers.drafts import StateDictError
from edgeconnect_jax.importers.layouts import to_variables
from tests.importers import originals
from tests.importers.originals import content, read_network, state


def expected(network, tensors=None, **sizes):
    return to_variables(
        tensors or state(network, **sizes), originals.entries_of(network, originals.sizes_of(network, **sizes))
    )


def assert_same(found, wanted):
    assert jax.tree.structure(found) == jax.tree.structure(wanted)
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
        assert one.dtype == np.float32
        np.testing.assert_array_equal(one, other)


def problems(network, value):
    with pytest.raises(StateDictError) as error:
        read_network(network, value)
    return error.value.problems


@pytest.mark.parametrize("network", originals.NETWORKS)
@pytest.mark.parametrize(("features", "residual_blocks"), [(4, 1), (6, 2)])
def test_a_file_of_the_original(network, features, residual_blocks):
    sizes = {"features": features, "residual_blocks": residual_blocks}
    tensors = state(network, **sizes)
    reading = read_network(network, content(network, tensors))
    assert_same(reading.variables, expected(network, **sizes))
    assert reading.sizes == originals.sizes_of(network, **sizes)
    assert reading.iteration == (originals.ITERATION if network.endswith("generator") else None)
    assert not reading.notes
    rows = {row.tensor: row for row in reading.rows}
    assert rows.keys() == tensors.keys()
    for key, array in tensors.items():
        assert rows[key].shape == array.shape
        if key.startswith("features.0."):
            assert rows[key].norm is None and "the same as conv1.0." in rows[key].destination
        else:
            assert rows[key].norm == pytest.approx(np.linalg.norm(array), rel=1e-5)
            assert rows[key].destination.startswith(f"{network}/")


@pytest.mark.parametrize("iteration", [7, np.array(7), np.array([7]), np.array(7.0)])
def test_the_iteration_is_a_number_or_a_tensor(iteration):
    tensors = state("edge_generator")
    assert read_network("edge_generator", content("edge_generator", tensors, iteration)).iteration == 7


def test_a_bare_state_dict():
    tensors = state("edge_generator")
    assert read_network("edge_generator", tensors).iteration is None
    reading = read_network("edge_generator", {"iteration": 5, **tensors})
    assert reading.iteration == 5
    assert_same(reading.variables, expected("edge_generator"))


@pytest.mark.parametrize("network", ["edge_generator", "edge_discriminator"])
@pytest.mark.parametrize("prefix", ["module.", "module.module."])
def test_the_prefix_of_data_parallel_goes(network, prefix):
    tensors = {prefix + key: array for key, array in state(network).items()}
    assert_same(read_network(network, content(network, tensors)).variables, expected(network))


def test_a_tensor_with_and_without_the_prefix_is_refused():
    tensors = state("inpaint_generator")
    tensors["module.encoder.1.bias"] = tensors["encoder.1.bias"]
    assert problems("inpaint_generator", tensors) == [
        "encoder.1.bias is there twice, with and without the prefix module."
    ]


@pytest.mark.parametrize("dtype", [np.float16, np.float64, jnp.bfloat16])
def test_other_floats_become_float32_and_it_is_said(dtype):
    tensors = {key: array.astype(dtype) for key, array in state("edge_generator").items()}
    reading = read_network("edge_generator", tensors)
    assert_same(reading.variables, expected("edge_generator", {k: a.astype(np.float32) for k, a in tensors.items()}))
    assert reading.notes == (f"{len(tensors)} tensors of {np.dtype(dtype).name} became float32",)


def test_statistics_of_norms_are_listed_and_not_used():
    tensors = state("inpaint_generator")
    more = {"encoder.2.running_mean": np.zeros(4, np.float32), "encoder.2.running_var": np.ones(4, np.float32)}
    more["encoder.2.num_batches_tracked"] = np.array(3)
    reading = read_network("inpaint_generator", content("inpaint_generator", tensors | more))
    assert_same(reading.variables, expected("inpaint_generator"))
    aside = {row.tensor: row for row in reading.rows if row.norm is None}
    assert aside.keys() == more.keys()
    assert all("unused: statistics" in row.destination for row in aside.values())


@pytest.mark.parametrize("absent", ["features.0.", "conv1.0."])
def test_one_name_of_the_first_convolution_is_enough(absent):
    tensors = {key: array for key, array in state("edge_discriminator").items() if not key.startswith(absent)}
    reading = read_network("edge_discriminator", tensors)
    assert_same(reading.variables, expected("edge_discriminator"))
    assert len(reading.notes) == (3 if absent == "conv1.0." else 0)


def test_its_two_names_must_agree():
    tensors = state("edge_discriminator")
    tensors["features.0.weight_u"] = -tensors["features.0.weight_u"]
    (problem,) = problems("edge_discriminator", tensors)
    assert problem == "features.0.weight_u differs from conv1.0.weight_u, which it should repeat"


def old(tensors):
    """The state dict as PyTorch saved it before 1.0, of layers whose weight_v is what their u was made from."""
    before = {}
    for key, array in tensors.items():
        if not key.endswith("weight_v"):
            before[key] = array
        if key.endswith("weight_orig"):
            before[key.replace("_orig", "")] = array / np.float32(1.7)
    return before


@pytest.mark.parametrize("network", ["edge_generator", "edge_discriminator"])
def test_files_from_before_torch_1_0(network):
    tensors = state(network)
    reading = read_network(network, content(network, old(tensors)))
    wanted = expected(network)
    assert_same(reading.variables["params"], wanted["params"])
    count = sum(key.endswith("weight_v") and not key.startswith("features.") for key in tensors)
    assert reading.notes == (f"written before PyTorch 1.0: weight_v of {count} layers solved from the others",)
    rows = [row for row in reading.rows if "(solved" in row.destination]
    assert len(rows) == count and all(row.tensor.endswith("weight_v") and row.norm for row in rows)


@pytest.mark.oracles
def test_the_solved_v_gives_torchs_kernels():
    torch = pytest.importorskip("torch")
    networks = pytest.importorskip("benchmarks.parity.edgeconnect.torch_networks")
    before = old(state("edge_generator"))
    theirs = networks.EdgeGenerator(features=4, residual_blocks=1)
    theirs.load_state_dict({key: torch.from_numpy(array.copy()) for key, array in before.items()})
    theirs.eval()(torch.zeros(1, 3, 16, 16))  # computes each `weight`
    read = read_network("edge_generator", before).variables
    entries = originals.entries_of("edge_generator", originals.NARROW)
    compared = 0
    for name, module in theirs.named_modules():
        if hasattr(module, "weight_orig"):
            (_, *path, _), layout = entries[f"{name}.weight_orig"]
            kernel, norm = read["params"], read["spectral"]
            for part in path:
                kernel, norm = kernel[part], norm[part]
            sigma = np.einsum("o,hwio,hwi->", norm["norm"]["u"], kernel["kernel"], norm["norm"]["v"])
            assert sigma == pytest.approx(1.7, rel=1e-3)
            ours = layout.to_theirs(kernel["kernel"] / sigma)
            np.testing.assert_allclose(ours, module.weight.detach().numpy(), rtol=2e-3, atol=1e-5)
            compared += 1
    assert compared == 3 + 2 + 2


def test_everything_that_is_wrong_is_listed():
    tensors = old(state("edge_generator"))
    del tensors["encoder.4.bias"]
    tensors["encoder.7.bias"] = tensors["encoder.7.bias"][:3]
    tensors["decoder.0.weight"] = tensors["decoder.0.weight"][:3]
    tensors["decoder.7.bias"] = np.zeros(1, np.int64)
    tensors["decoder.8.gain"] = np.ones((2, 1), np.float32)
    tensors["decoder.3.bias"] = tensors["decoder.3.bias"].copy()
    tensors["decoder.3.bias"][1] = np.inf
    tensors["encoder.1.bias"] = tensors["encoder.1.bias"] * np.float32(np.nan)
    tensors["extra"] = "text"
    value = {"iteration": "many", "generator": tensors, "discriminator": {}, "epoch": 3}
    assert sorted(problems("edge_generator", value)) == sorted([
        "iteration is 'many', expected a whole number of 0 or more",
        "unexpected 'discriminator' (dict) beside 'generator'",
        "extra is a str, not a tensor",
        "decoder.7.bias holds int64, expected float32",
        "missing encoder.4.bias (8,)",
        "missing decoder.0.weight_v (256,)",
        "unexpected decoder.8.gain (2, 1)",
        "decoder.0.weight is (3, 8, 4, 4), expected (16, 8, 4, 4)",
        "encoder.7.bias is (3,), expected (16,)",
        "decoder.3.bias has NaN or infinite elements",
        "encoder.1.bias has NaN or infinite elements",
    ])  # fmt: skip


def test_what_float32_cannot_hold_is_refused():
    tensors = state("edge_generator")
    tensors["encoder.1.bias"] = tensors["encoder.1.bias"].astype(np.float64) * 1e300
    assert problems("edge_generator", tensors) == ["encoder.1.bias has NaN or infinite elements"]


def test_a_v_that_cannot_be_solved_is_refused():
    tensors = old(state("edge_discriminator"))
    tensors["conv5.0.weight"] = tensors["conv5.0.weight"] * 0
    assert problems("edge_discriminator", tensors) == ["conv5.0.weight_v has NaN or infinite elements"]


def test_numbers_beside_the_state_dict_are_said():
    value = content("edge_generator", state("edge_generator")) | {"epoch": 3}
    assert read_network("edge_generator", value).notes == ("epoch = 3 is not read",)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([1, 2], "holds a list, not a state dict"),
        (np.zeros(3), "holds a tensor (3,), not a state dict"),
        ({}, "neither 'generator' nor tensors in it; it holds nothing"),
        ({"iteration": 1, "generator": {}}, "neither 'generator' nor tensors in it; it holds nothing"),
        ({"discriminator": {"a": np.zeros(1)}}, "it holds discriminator"),
    ],
)
def test_what_is_no_state_dict(value, words):
    (problem,) = problems("edge_generator", value)
    assert words in problem


def test_the_file_of_another_network_is_told():
    found = problems("inpaint_generator", content("edge_generator", state("edge_generator")))
    assert "encoder.1.weight_orig" in "".join(found) and any(p.startswith("missing encoder.1.weight") for p in found)


def vgg19():
    return {key: np.zeros(shape, np.float32) for key, shape in originals.tensor_shapes("vgg19", {}).items()}


def test_vgg19_without_its_classifier_and_later_layers():
    more = {"classifier.0.weight": np.zeros((3, 4)), "classifier.6.bias": np.zeros(3), "features.36.weight": np.ones(1)}
    reading = read_network("vgg19", vgg19() | more)
    assert reading.sizes == {} and reading.iteration is None and not reading.notes
    assert reading.variables["params"]["conv5_4"]["kernel"].shape == (3, 3, 512, 512)
    assert {row.tensor for row in reading.rows if row.norm is None} == more.keys()
    (problem,) = problems("vgg19", vgg19() | {"features.1.weight": np.ones(64, np.float32)})
    assert problem == "unexpected features.1.weight (64,)"
