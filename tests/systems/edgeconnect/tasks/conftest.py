import jax
import numpy as np
import pytest

from configs import tiny
from edgeconnect_jax.systems.edgeconnect.tasks import TASKS
from edgeconnect_jax.tasks.task import Context, create
from tests.synthetic import picture
from tests.training.runs import spec


@pytest.fixture(scope="session")
def batch():
    """Two synthetic pictures on 32 x 32 pixels with holes of different area, floats in [0, 1]."""
    images, masks = zip(*(picture(seed, 32, 32) for seed in (1, 2)), strict=True)
    mask = np.stack(masks)[..., None].astype(np.float32) / 255
    mask[1, 16:] = 0
    image = np.stack(images).astype(np.float32) / 255
    edge = (np.abs(np.diff(image.mean(axis=-1, keepdims=True), axis=1, append=0)) > 0.05).astype(np.float32)
    return {"image": image, "edge": edge, "mask": mask, "id": np.arange(2, dtype=np.int32)}


@pytest.fixture
def config():
    """The tiny configuration, unlocked values set by the tests."""
    return tiny.get_config()


@pytest.fixture(scope="session")
def context():
    keys = jax.vmap(lambda i: jax.random.fold_in(jax.random.PRNGKey(0), i))(np.arange(2))
    return Context(np.int32(0), keys, lambda x: x)


@pytest.fixture(scope="session")
def evaluate(batch, context):
    """(config, frozen) -> (task, variables, loss, aux, gradients) of the first step's only update.

    Nothing is jitted: one operation after the other, each compiled once for all configurations, is faster here than a
    program for each. What was evaluated before is not evaluated again.
    """
    known = {}

    def run(config, frozen=None):
        key = config.to_json()
        if key in known:
            return known[key]
        task = create(TASKS, config)
        variables = task.init(jax.random.PRNGKey(0), spec(32))._replace(frozen=frozen or {})
        # Weights of deviation 0.02 give almost constant outputs; larger ones make every term matter.
        variables = variables._replace(params=jax.tree.map(lambda p: 5 * p, variables.params))
        update = task.phases[0].updates[0]

        def objective(trained):
            return update.loss(variables._replace(params=variables.params | trained), batch, context)

        trained = {name: variables.params[name] for name in update.players}
        (loss, aux), gradients = jax.value_and_grad(objective, has_aux=True)(trained)
        known[key] = task, variables, loss, aux, gradients
        return known[key]

    return run
