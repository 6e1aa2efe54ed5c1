"""What the stages train, and that every option of their losses changes what it should."""

import jax
import numpy as np
import pytest

from configs import default
from edgeconnect_jax.layers.spectral_norm import iterate_tree
from edgeconnect_jax.losses import perceptual
from edgeconnect_jax.models import network
from edgeconnect_jax.models.backbones import BACKBONES
from edgeconnect_jax.models.network import random_variables
from edgeconnect_jax.systems.edgeconnect.networks import NETWORKS, completion_input
from edgeconnect_jax.systems.edgeconnect.tasks import TASKS
from edgeconnect_jax.tasks.task import Frozen, create

STAGES = tuple(TASKS)


def value(aux, name):
    total, count = aux.sums[name]
    return float(total / count)


def norm(tree):
    return float(np.sqrt(sum(np.square(leaf, dtype=np.float64).sum() for leaf in jax.tree.leaves(tree))))


def largest_difference(a, b):
    return max(np.abs(x - y).max() for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True))


@pytest.mark.parametrize("stage", STAGES)
def test_players_of_the_stages(stage, config):
    config.task.name = stage
    players = {
        "edge": {"edge_generator", "edge_discriminator"},
        "inpaint": {"inpaint_generator", "inpaint_discriminator"},
        "edge_inpaint": {"inpaint_generator", "inpaint_discriminator"},
        "joint": {"edge_generator", "edge_discriminator", "inpaint_generator", "inpaint_discriminator"},
    }
    task = create(TASKS, config)
    assert set(task.players) == players[stage]
    assert task.pretrained == (("edge_generator",) if stage == "edge_inpaint" else ())


def test_every_player_gets_the_gradient_of_its_own_loss_alone(config, evaluate):
    """One backward pass serves all: the terms of one player leave the gradients of the others alone."""
    config.task.name = "joint"
    *_, before = evaluate(config)
    config.losses.feature_matching *= 2  # a loss of the edge generator
    *_, after = evaluate(config)
    assert largest_difference(before["edge_generator"], after["edge_generator"]) > 1e-4
    for other in ("edge_discriminator", "inpaint_generator", "inpaint_discriminator"):
        assert largest_difference(before[other], after[other]) < 1e-6 * norm(before[other])


def test_completion_losses_reach_the_edge_generator_in_stage_4(config, evaluate):
    config.task.name, config.task.edge_discriminator = "joint", False
    task, _, _, aux, gradients = evaluate(config)
    assert set(task.players) == {"edge_generator", "inpaint_generator", "inpaint_discriminator"}
    assert norm(gradients["edge_generator"]) > 0
    assert not {"edge_adversarial", "feature_matching"} & set(aux.sums)
    config.losses.l1 *= 2
    *_, stronger = evaluate(config)
    assert norm(stronger["edge_generator"]) > 1.5 * norm(gradients["edge_generator"])


def test_the_frozen_edge_generator_of_stage_3_goes_on_iterating(config, evaluate):
    config.task.name = "edge_inpaint"
    _, variables, _, aux, _ = evaluate(config)
    before, after = variables.collections["edge_generator"], aux.collections["edge_generator"]
    assert all(not np.allclose(a, b) for a, b in zip(jax.tree.leaves(before), jax.tree.leaves(after), strict=True))


def test_a_discriminator_iterates_three_times_a_step(config, evaluate):
    _, variables, _, aux, _ = evaluate(config)
    name = "edge_discriminator"
    vectors = variables.collections[name]["spectral"]
    for _ in range(3):
        vectors = iterate_tree(variables.params[name], vectors)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), vectors, aux.collections[name]["spectral"])


@pytest.mark.parametrize(
    ("stage", "option", "term"),
    [
        ("edge", "feature_matching", "feature_matching"),
        ("inpaint", "l1", "l1"),
        ("inpaint", "adversarial", "inpaint_adversarial"),
    ],
)
def test_a_loss_weight_scales_its_term(stage, option, term, config, evaluate):
    config.task.name = stage
    _, _, loss, aux, gradients = evaluate(config)
    config.losses[option] *= 3
    _, _, heavier_loss, heavier, heavier_gradients = evaluate(config)
    assert value(heavier, term) == pytest.approx(3 * value(aux, term), rel=1e-4)
    assert float(heavier_loss - loss) == pytest.approx(2 * value(aux, term), rel=1e-3)
    assert largest_difference(gradients, heavier_gradients) > 0


def test_content_and_style_weights_scale_their_terms_and_zero_leaves_vgg_out(config, evaluate):
    config.task.name = "inpaint"
    assert not create(TASKS, config).frozen
    config.losses.update(content=0.1, style=250.0, vgg_weights="random")
    (frozen,) = create(TASKS, config).frozen.values()
    assert frozen == Frozen(BACKBONES["vgg19"], "random", "losses.vgg_weights")
    frozen = {"vgg19": random_variables(BACKBONES["vgg19"])}
    *_, aux, _ = evaluate(config, frozen)
    config.losses.update(content=0.2, style=500.0)
    *_, doubled, _ = evaluate(config, frozen)
    for term in ("content", "style"):
        assert value(aux, term) > 0
        assert value(doubled, term) == pytest.approx(2 * value(aux, term), rel=1e-4)


def test_content_and_style_by_another_network(config, evaluate, monkeypatch):
    name = "efficientnet_lite0"
    first = perceptual.Layers({"block0": 1.0}, {"block0": 1.0})  # few layers compile quickly
    monkeypatch.setitem(perceptual.LAYERS, name, first)
    config.task.name = "inpaint"
    config.losses.update(l1=0.0, adversarial=0.0, content=0.1, style=250.0)
    config.losses.update(perceptual=name, efficientnet_weights="random")
    assert create(TASKS, config).frozen == {name: Frozen(BACKBONES[name], "random", "losses.efficientnet_weights")}
    *_, aux, gradients = evaluate(config, {name: random_variables(BACKBONES[name])})
    assert value(aux, "content") > 0 and value(aux, "style") > 0
    assert norm(gradients["inpaint_generator"]) > 0


def test_l1_is_divided_by_the_hole_of_the_global_batch(config, evaluate, batch):
    config.task.name = "inpaint"
    _, variables, _, aux, _ = evaluate(config)
    module = network.build(NETWORKS["inpaint_generator"], config.task)
    output = module.apply(
        variables.of("inpaint_generator"), completion_input(batch["image"], batch["edge"], batch["mask"])
    )
    expected = np.abs(output - batch["image"]).mean() / batch["mask"].mean()
    assert value(aux, "l1") == pytest.approx(float(expected), rel=1e-4)


@pytest.mark.parametrize("gan", ["nsgan", "lsgan", "hinge"])
def test_the_adversarial_loss_is_the_one_named(gan, config, evaluate):
    config.losses.gan = gan
    *_, aux, _ = evaluate(config)
    start = {"nsgan": np.log(2), "lsgan": 0.25, "hinge": 1.0}[gan]  # of a discriminator that knows nothing
    assert value(aux, "edge_discriminator") == pytest.approx(start, rel=0.25)


@pytest.mark.parametrize("stage", STAGES)
def test_pool_size_gives_each_discriminator_a_pool(stage, config, evaluate):
    config.task.name = stage
    config.losses.pool_size = 1
    task, variables, _, aux, _ = evaluate(config)
    discriminators = {name for name in task.players if name.endswith("discriminator")}
    assert set(variables.carry) == set(aux.carry) == discriminators
    assert all(pool.count == 1 for pool in aux.carry.values())


def test_metrics_are_undefined_where_there_is_nothing(config, batch):
    task = create(TASKS, config)
    nothing = {**batch, "edge": 0 * batch["edge"]}
    sums = task.metrics({"generated edges": 0 * batch["edge"]}, nothing, np.ones(2, np.float32))
    assert all(count == 0 for _, count in sums.values())


def test_a_model_that_has_diverged_shows(config, batch):
    config.task.name = "inpaint"
    task = create(TASKS, config)
    weight = np.ones(2, np.float32)
    broken = task.metrics({"merged": np.nan * batch["image"]}, batch, weight)
    assert all(np.isnan(total) and count == 2 for total, count in broken.values())
    perfect = task.metrics({"merged": batch["image"]}, batch, weight)
    assert perfect["psnr"] == (0, 0) and perfect["mae"][1] == 2  # no mean of infinities
    whole = task.metrics({"merged": 0 * batch["image"]}, {**batch, "mask": 0 * batch["mask"]}, weight)
    assert whole["psnr"][1] == 2 and whole["psnr_hole"][1] == 0


def test_padding_does_not_count(config, batch, evaluate):
    config.task.name = "edge_inpaint"
    task, variables, *_ = evaluate(config)
    pictures = task.predict(variables, batch)
    one = jax.tree.map(lambda x: x[:1], (pictures, batch))
    alone = task.metrics(*one, np.ones(1, np.float32))
    weighted = task.metrics(pictures, batch, np.array([1, 0], np.float32))
    for name, (total, count) in alone.items():
        np.testing.assert_allclose([total, count], weighted[name], rtol=1e-5)


def test_edge_threshold_decides_what_is_an_edge(config, evaluate):
    *_, low, _ = evaluate(config)
    config.eval.edge_threshold = 0.9
    *_, high, _ = evaluate(config)
    assert high.sums["edge_precision"][1] < low.sums["edge_precision"][1]


@pytest.mark.parametrize("stage", STAGES)
def test_known_pixels_are_kept_in_what_is_shown(stage, config, evaluate, batch):
    config.task.name = stage
    task, variables, *_ = evaluate(config)
    pictures = task.predict(variables, batch)
    merged, truth = ("merged edges", "edge") if stage == "edge" else ("merged", "image")
    known = np.broadcast_to(batch["mask"] == 0, batch[truth].shape)
    np.testing.assert_array_equal(np.asarray(pictures[merged])[known], batch[truth][known])


def test_generators_are_averaged_and_discriminators_learn_at_their_own_rate(config):
    config.task.name = "joint"
    config.optimizer.update(learning_rate=2e-4, d2g_ratio=0.5)
    for name, player in create(TASKS, config).players.items():
        assert player.averaged == name.endswith("generator")
        assert player.learning_rate(7) == pytest.approx(2e-4 if player.averaged else 1e-4)


def test_an_unknown_stage_is_refused():
    config = default.get_config()
    config.task.name = "edges"
    with pytest.raises(ValueError, match=r"edges.*edge, inpaint, edge_inpaint, joint"):
        create(TASKS, config)
