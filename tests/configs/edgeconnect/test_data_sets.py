"""EdgeConnect's configs: what they change, and the recipe of the paper."""

import pytest

from configs import places2_edge
from configs.edgeconnect import default, places2, places2_paper
from edgeconnect_jax.configuration import stages as configuration
from tests.configs.test_configs import load, validate

DATA_SETS = ("places2", "celeba", "psv")


@pytest.mark.parametrize("name", DATA_SETS)
def test_the_defaults_stand_but_for_the_data(name):
    """A data set chooses its pictures and how often to look at them; everything else is the paper's."""
    config, plain = load(f"edgeconnect/{name}").to_dict(), default.get_config().to_dict()
    changed = {group for group in plain if config[group] != plain[group]}
    assert changed == {"data", "eval", "stages"}


@pytest.mark.parametrize("name", DATA_SETS)
def test_its_stages_are_the_originals(name):
    stages = configuration.stage_configs(load(f"edgeconnect/{name}"))
    assert [stage for stage, _ in stages] == ["edge", "inpaint", "edge_inpaint", "joint"]
    assert all(config.task.name == stage for stage, config in stages)


@pytest.mark.parametrize("name", DATA_SETS)
def test_missing_vgg_weights_are_asked_for(name):
    with pytest.raises(ValueError, match=r"losses\.vgg_weights"):
        validate(load(f"edgeconnect/{name}", "inpaint"))


def test_places2_edge_is_a_stage_of_places2():
    assert places2_edge.get_config() == places2.get_config("edge")


def test_the_papers_recipe():
    stages = dict(configuration.stage_configs(places2_paper.get_config()))
    assert list(stages) == ["edge", "inpaint", "joint"]
    for name in ("edge", "inpaint"):
        optimizer = stages[name].optimizer
        assert (optimizer.learning_rate, optimizer.schedule) == (1e-4, "plateau")
        assert optimizer.learning_rate * optimizer.factor == pytest.approx(1e-5)
        assert optimizer.min_scale == pytest.approx(optimizer.factor)
        assert stages[name].eval.interval > 0
    joint = stages["joint"]
    assert (joint.optimizer.learning_rate, joint.optimizer.schedule) == (1e-6, "constant")
    assert joint.task.edge_discriminator is False
    assert {stage.masks.kind for stage in stages.values()} == {"external_block"}
    assert joint.masks.block_height * joint.masks.block_width == pytest.approx(0.25)
