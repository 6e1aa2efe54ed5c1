"""Filling the test set that a configuration names: train.mode="test"."""

import pathlib
import time

from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.configuration import stages as configuration
from edgeconnect_jax.configuration.types import Config
from edgeconnect_jax.data import matching, sources
from edgeconnect_jax.inference.folder import Summary, fill_folder
from edgeconnect_jax.systems.edgeconnect.inference import DEFAULT_SIGMA, STEPS, Inpainter, trained_sigma

RESULTS = "results"  # in the workdir
_STEPS = {"edge": "edge", "inpaint": "inpaint"}  # the other tasks hold both generators


def fill_test_set(config: Config, workdir: pathlib.Path) -> Summary:
    """Fills data.test with the newest checkpoint of the last stage, into RESULTS of its folder.

    Pictures keep their size, whatever data.image_size says; masks and edge maps are matched by stem and resized.
    Canny's sigma is the one that the checkpoint was trained with, that of `config` for a converted checkpoint.

    Raises:
        ValueError: there is no checkpoint, or pictures, masks and edge maps do not go together.
    """
    name, stage = configuration.stage_configs(config)[-1]
    pictures, masks = sources.list_files(stage.data.test), sources.list_files(stage.masks.test)
    edges = sources.list_files(stage.edges.test) if stage.edges.source == "external" else None
    jobs = matching.pair(pictures, masks, edges, any_size=True)
    steps = _STEPS.get(stage.task.name, "full")
    weights = checkpoints.load_weights(workdir / name, STEPS[steps])
    sigma = _sigma(stage, weights)
    # sigma 0 draws one at random for every training example; a test should not be random.
    inpainter = Inpainter(weights, steps=steps, sigma=sigma or DEFAULT_SIGMA, dtype=stage.task.dtype)
    start = time.monotonic()
    thin_sigma = sigma if stage.edges.nms else None
    summary = fill_folder(inpainter, jobs, workdir / name / RESULTS, thin_sigma=thin_sigma)
    print(f"{len(summary.results)} pictures in {time.monotonic() - start:.1f} s: {workdir / name / RESULTS}")
    return summary


def _sigma(stage: Config, weights: checkpoints.Weights) -> float:
    """The option edges.sigma that the weights were trained with; says so where the configuration has another."""
    trained = trained_sigma(weights.config)
    if trained is None:
        return stage.edges.sigma
    if trained != stage.edges.sigma:
        print(f"edges.sigma={trained:g}, as the checkpoint was trained, instead of {stage.edges.sigma:g}")
    return trained
