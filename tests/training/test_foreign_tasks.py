"""Tasks that have nothing to do with edges, through the unchanged step: WGAN-GP, and freezing before growing."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from edgeconnect_jax.tasks.task import Aux, Phase, Player, Task, Update, Variables, Watch, batches_per_step, check
from edgeconnect_jax.training import state as states
from edgeconnect_jax.training.step import train_step

RATE, CRITIC_STEPS, PENALTY = 0.1, 3, 10.0
TARGET = np.array([[1.0, 2.0], [0.0, -1.0], [2.0, 0.5]], np.float32)


def task_of(params, players, phases):
    def init(key, spec):
        return Variables(params, {name: {} for name in params}, {}, {})

    task = Task(init, players, phases, lambda *_: {}, lambda *_: {}, Watch("loss", False))
    check(task)
    return task


def sgd(rate=RATE):
    return Player(optax.identity(), optax.constant_schedule(rate))


# WGAN with gradient penalty (Gulrajani et al. 2017): a linear generator, a quadratic critic.


def critic(params, x):
    return jnp.tanh(x @ params["w"]) @ params["a"]


def critic_loss_of(params, generated, real, mix):
    mixed = mix[:, None] * real + (1 - mix[:, None]) * generated
    slopes = jax.vmap(jax.grad(lambda x: critic(params, x)))(mixed)
    penalty = jnp.square(jnp.sqrt(jnp.square(slopes).sum(axis=1)) - 1).mean()
    return critic(params, generated).mean() - critic(params, real).mean() + PENALTY * penalty


def wgan_gp():
    def generate(variables, batch):
        return batch["noise"] @ variables.params["generator"]["w"]

    def critic_loss(variables, batch, context):
        mix = jax.vmap(jax.random.uniform)(context.example_keys)
        generated = jax.lax.stop_gradient(generate(variables, batch))
        loss = critic_loss_of(variables.params["critic"], generated, batch["real"], mix)
        return loss, Aux(variables.collections, variables.carry, {"critic": (loss, 1.0), "mix": (mix.sum(), len(mix))})

    def generator_loss(variables, batch, context):
        loss = -critic(jax.lax.stop_gradient(variables.params["critic"]), generate(variables, batch)).mean()
        return loss, Aux(variables.collections, variables.carry, {"generator": (loss, 1.0)})

    rng = np.random.default_rng(0)
    params = {
        "generator": {"w": jnp.asarray(rng.normal(size=(3, 2)), jnp.float32)},
        "critic": {"w": jnp.asarray(rng.normal(size=(2, 4)), jnp.float32), "a": jnp.ones(4)},
    }
    updates = (
        Update(("critic",), critic_loss, repeats=CRITIC_STEPS, fresh_batch=True),
        Update(("generator",), generator_loss, fresh_batch=True),
    )
    return task_of(params, {name: sgd() for name in params}, (Phase(updates),))


def test_wgan_gp_takes_several_critic_steps_on_fresh_batches(rng):
    task = wgan_gp()
    assert batches_per_step(task.phases[0]) == CRITIC_STEPS + 1
    noise = rng.normal(size=(CRITIC_STEPS + 1, 8, 3)).astype(np.float32)
    batches = {"noise": noise, "real": noise @ TARGET}
    state = states.create(task, 0, {})
    after, sums = jax.jit(train_step(task, task.phases[0]))(state, batches)

    # The same by hand, one gradient after the other.
    w, params = state.params["generator"]["w"], state.params["critic"]
    losses, mixes = [], []
    for i in range(CRITIC_STEPS):
        key = jax.random.fold_in(jax.random.fold_in(jax.random.fold_in(state.key, 0), 0), i)
        mix = jax.vmap(lambda j, key=key: jax.random.uniform(jax.random.fold_in(key, j)))(jnp.arange(8))
        loss, gradient = jax.value_and_grad(critic_loss_of)(params, noise[i] @ w, batches["real"][i], mix)
        params = jax.tree.map(lambda p, g: p - RATE * g, params, gradient)
        losses.append(loss)
        mixes.append(mix)
    gradient = jax.grad(lambda w: -critic(params, noise[CRITIC_STEPS] @ w).mean())(w)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), after.params["critic"], params)
    np.testing.assert_allclose(after.params["generator"]["w"], w - RATE * gradient, rtol=1e-4, atol=1e-6)
    assert sums["critic"][1] == CRITIC_STEPS
    # An update that came before the fresh ones would have had a batch of its own too.
    critic_update, generator_update = task.phases[0].updates
    updates = (generator_update._replace(fresh_batch=False), critic_update)
    assert batches_per_step(Phase(updates)) == CRITIC_STEPS + 1
    reordered, _ = jax.jit(train_step(task, Phase(updates)))(state, batches)
    first = jax.grad(lambda w: -critic(state.params["critic"], noise[0] @ w).mean())(state.params["generator"]["w"])
    np.testing.assert_allclose(
        reordered.params["generator"]["w"], state.params["generator"]["w"] - RATE * first, rtol=1e-4, atol=1e-6
    )
    assert float(sums["critic"][0]) == pytest.approx(float(sum(losses)), rel=1e-4)
    assert float(sums["mix"][0]) == pytest.approx(float(sum(m.sum() for m in mixes)), rel=1e-4)


# Freezing before growing, in the manner of pix2pixHD: a new layer is trained alone, then everything.


def loss_of(params, batch):
    hidden = jnp.tanh(batch["x"] @ params["old"]["w"])
    return jnp.square(hidden @ params["new"]["w"] - batch["y"]).mean()


def freeze_then_grow(reset=("network",)):
    def loss(variables, batch, context):
        value = loss_of(variables.params["network"], batch)
        return value, Aux(variables.collections, variables.carry, {"loss": (value, 1.0)})

    def only_new(player, path):
        return path[0] == "new"

    rng = np.random.default_rng(1)
    params = {"network": {k: {"w": jnp.asarray(rng.normal(size=(3, 3)), jnp.float32)} for k in ("old", "new")}}
    update = (Update(("network",), loss),)
    phases = (Phase(update, until=2, trainable=only_new), Phase(update, reset_optimizers=reset))
    player = Player(optax.scale_by_adam(), optax.constant_schedule(RATE))
    return task_of(params, {"network": player}, phases)


def test_what_is_frozen_has_no_gradient_and_no_optimizer_state(rng):
    task = freeze_then_grow()
    batches = {name: rng.normal(size=(1, 8, 3)).astype(np.float32) for name in "xy"}
    state = states.create(task, 0, {})
    assert set(state.optimizers["network"].mu) == {"new"}
    step = jax.jit(train_step(task, task.phases[0]))
    after, _ = step(step(state, batches)[0], batches)
    np.testing.assert_array_equal(after.params["network"]["old"]["w"], state.params["network"]["old"]["w"])
    assert np.abs(after.params["network"]["new"]["w"] - state.params["network"]["new"]["w"]).max() > RATE

    # Two matrices forward, one gradient; three with all of them trained, for the hidden layer's is needed too.
    whole = state.replace(optimizers=states.new_optimizers(task, task.phases[1], state.params))
    frozen, grown = (
        jax.jit(train_step(task, phase)).lower(s, batches).as_text().count("dot_general")
        for phase, s in zip(task.phases, (state, whole), strict=True)
    )
    assert (frozen, grown) == (3, 5)


def test_a_new_phase_trains_everything_with_new_optimizers(rng):
    task = freeze_then_grow()
    batches = {name: rng.normal(size=(1, 8, 3)).astype(np.float32) for name in "xy"}
    state = states.create(task, 0, {})
    first, second = (jax.jit(train_step(task, phase)) for phase in task.phases)
    state, _ = first(*(first(state, batches)[0], batches))
    assert states.phase_at(task, 1) is task.phases[0] and states.phase_at(task, 2) is task.phases[1]
    state = state.replace(optimizers=states.new_optimizers(task, task.phases[1], state.params))
    assert state.optimizers["network"].count == 0
    before = state.params["network"]["old"]["w"]
    after, _ = second(state, batches)
    # Adam's first step is the learning rate in each element.
    np.testing.assert_allclose(np.abs(after.params["network"]["old"]["w"] - before), RATE, rtol=1e-3)


def test_players_that_a_phase_does_not_name_keep_their_optimizers():
    task = freeze_then_grow(reset=())
    same = task._replace(phases=tuple(phase._replace(trainable=None) for phase in task.phases))
    states.create(same, 0, {})
    with pytest.raises(ValueError, match="not players"):
        check(task._replace(phases=(task.phases[0], task.phases[1]._replace(reset_optimizers=("other",)))))


def test_training_other_parameters_needs_new_optimizers():
    with pytest.raises(ValueError, match="other parameters of network: name it in reset_optimizers"):
        states.create(freeze_then_grow(reset=()), 0, {})


def test_phases_and_players_are_checked():
    task = freeze_then_grow()
    with pytest.raises(ValueError, match="increasing"):
        check(task._replace(phases=task.phases[::-1]))
    with pytest.raises(ValueError, match="not players"):
        check(task._replace(players={}))
