"""What a run of one stage holds, made from its configuration and from what its workdir has already."""

import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from edgeconnect_jax.checkpoints.folders import AVERAGE, TRAINING, VARIABLES
from edgeconnect_jax.checkpoints.store import CheckpointStore
from edgeconnect_jax.checkpoints.weights import Weights, check_shapes, fingerprint, load_weights
from edgeconnect_jax.configuration import stages as configuration
from edgeconnect_jax.configuration.types import Config
from edgeconnect_jax.data import pipeline
from edgeconnect_jax.models.backbones import BACKBONES
from edgeconnect_jax.models.network import random_variables
from edgeconnect_jax.parallel import devices as parallel
from edgeconnect_jax.systems.edgeconnect import tasks
from edgeconnect_jax.systems.edgeconnect.data import READER
from edgeconnect_jax.tasks.task import Task, Variables
from edgeconnect_jax.training import state as states
from edgeconnect_jax.training.feed import Position
from edgeconnect_jax.training.plateau import Plateau
from edgeconnect_jax.training.state import TrainState
from edgeconnect_jax.training.summaries import say


class Session(NamedTuple):
    """Attributes: the parts of a run.

    `state` is the one that `open_session` made or restored, `saved` the `meta` of the checkpoint that it goes on from,
    empty where there is none.
    """

    config: Config
    workdir: pathlib.Path
    task: Task
    devices: list[parallel.Device]
    state: TrainState
    store: CheckpointStore
    data: Any
    plateau: Plateau
    meta: dict[str, Any]
    saved: dict[str, Any]

    def close(self) -> None:
        """Waits for what is being written; ends worker processes."""
        try:
            self.store.close()
        finally:
            if hasattr(self.data, "close"):
                self.data.close()

    def save(
        self, step: int, state: TrainState, position: Position, sums: Mapping[str, Any], *, unmeasured: bool = False
    ) -> None:
        """Writes a checkpoint of `state`, the position of the data, the plateau and where the log stands.

        Args:
            step: steps taken.
            state: after them.
            position: of the data.
            sums: of the steps since the last line of the log.
            unmeasured: whether the evaluation and the samples that are due after this step are still to be made.
        """
        meta = {**self.meta, "plateau": self.plateau.state(), "sums": sums, "unmeasured": unmeasured}
        self.store.save(step, state_items(state), position, meta)


def open_session(config: Config, workdir: pathlib.Path, *, say: Callable[[str], None] = say) -> Session:
    """Prepares a run: from the workdir's newest checkpoint, else from `checkpoint.init_from`, else afresh.

    Args:
        config: one stage.
        workdir: made when it is not there.
        say: where what happens is told.

    Raises:
        ValueError: what the configuration asks for cannot be had.
    """
    devices = parallel.devices(config.train.devices)
    _check_batches(config, devices)
    task = tasks.create(config)
    frozen = load_frozen(task)
    # Everything that can fail for a wrong path comes before networks are built.
    opened = pipeline.open_train(config, READER)
    data = pipeline.train_iterator(
        config, READER, opened, process_index=parallel.process_index(), process_count=parallel.process_count()
    )
    state = states.create(
        task,
        config.train.seed,
        _size(opened),
        devices=len(devices),
        frozen=frozen,
        average=bool(config.train.ema_decay),
    )
    meta = {
        "stage": config.task.name,
        "networks": {name: dict(sizes) for name, sizes in task.architecture.items()},
        "frozen": {name: fingerprint(tree) for name, tree in frozen.items()},
        "devices": len(devices),
        "pictures": pipeline.describe_train(config, READER, opened),
        "config": configuration.to_dict(config),
    }
    plateau = Plateau(config.optimizer, higher_is_better=task.watch.higher_is_better)
    parallel.check_same("the configuration", meta["config"])
    parallel.check_same("the set of pictures (data.train, and what data.skip_bad leaves out of it)", meta["pictures"])
    parallel.make_shared_folder(workdir)
    store = CheckpointStore(workdir, config.checkpoint.keep, say)
    step, saved = parallel.of_first(store.latest_step()), {}
    if step is None:
        state = parallel.place(
            start_from(state, task, config.checkpoint.init_from, say), states.SHARDED_FIELDS, devices
        )
    else:
        saved = store.meta(step)
        check_same_run(saved, meta)
        state = _restore(state, task, store, step, data, devices)
        plateau.restore(saved["plateau"])
        say(f"going on from step {step} in {workdir}")
    return Session(config, workdir, task, devices, state, store, data, plateau, meta, saved)


def _size(opened: pipeline.Opened) -> tuple[int, int]:
    height, width = pipeline.element_spec(opened)["image"][0][:2]
    return height, width


def _check_batches(config: Config, devices: list[parallel.Device]) -> None:
    check_sizes(config)
    parallel.check_batch_size(config.train.batch_size, devices, "train.batch_size")
    if config.eval.interval or config.eval.report:
        parallel.check_batch_size(config.eval.batch_size, devices, "eval.batch_size")


def check_sizes(config: Config) -> None:
    """Raises ValueError where several processes would have pictures of different sizes."""
    if parallel.process_count() > 1 and not config.data.image_size:
        raise ValueError(
            "data.image_size=0: several processes need pictures of one size, for all run the same program; "
            "set data.image_size, or start one process"
        )


def load_frozen(task: Task) -> dict[str, Any]:
    """The weights that a task needs and never changes."""
    frozen = {}
    for name, source in task.frozen.items():
        frozen[name] = (
            random_variables(BACKBONES[name]) if source == "random" else load_weights(source, (name,)).networks[name]
        )
    return frozen


def start_from(state: TrainState, task: Task, paths: Sequence[str], say: Any) -> TrainState:
    """Puts the networks of earlier checkpoints into a fresh state.

    Args:
        state: fresh.
        task: what it is of.
        paths: checkpoints; of those that hold a network the last counts.
        say: told which network comes from a checkpoint and which starts fresh.

    Raises:
        ValueError: a network that is not trained is in none of them, or one does not fit.
    """
    weights = load_weights(paths) if paths else Weights({}, {})
    loaded = weights.networks
    missing = [name for name in task.pretrained if name not in loaded]
    if missing:
        raise ValueError(
            f"{', '.join(missing)} is not trained in this stage and must come from an earlier one: "
            "name its workdir in checkpoint.init_from"
        )
    for name in state.params if paths else ():
        say(f"{name}: {f'from {weights.origins[name]}' if name in loaded else 'starts fresh'}")
    wanted = {name: tree for name, tree in loaded.items() if name in state.params}
    state = _with_networks(state, wanted, ", ".join(sorted({str(weights.origins[name]) for name in wanted})))
    variables = Variables(state.params, state.collections, {}, {})
    return state.replace(average=states.start_average(task, variables) if state.average else {})


def load_for_evaluation(task: Task, config: Config, workdir: pathlib.Path) -> TrainState:
    """A state with the generators of the newest checkpoint at `workdir`, to be evaluated, not trained.

    Raises:
        ValueError: there is no checkpoint, a generator is not in it, or one does not fit.
    """
    generators = [name for name, player in task.players.items() if player.averaged] + list(task.pretrained)
    loaded = load_weights(workdir, generators).networks
    state = states.create(task, config.train.seed, (64, 64)).replace(carry={})
    return _with_networks(state, {name: loaded[name] for name in generators}, f"the checkpoint of {workdir}")


def _with_networks(state: TrainState, networks: dict[str, Any], called: str) -> TrainState:
    """The state with the variables of some networks exchanged, after a look at their shapes; `called` so by errors."""
    params, collections = dict(state.params), dict(state.collections)
    check_shapes(called, networks, {name: {"params": params[name], **collections[name]} for name in networks})
    for name, variables in networks.items():
        params[name] = variables["params"]
        collections[name] = {kind: tree for kind, tree in variables.items() if kind != "params"}
    return state.replace(params=params, collections=collections)


def state_items(state: TrainState) -> dict[str, Any]:
    """The state as the items of a checkpoint."""
    average = state.average or {"params": {}, "collections": {}}
    return {
        VARIABLES: _networks(state.params, state.collections),
        AVERAGE: _networks(average["params"], average["collections"]),
        TRAINING: {
            "step": state.step,
            "key": state.key,
            "optimizers": state.optimizers,
            "rate_scale": state.rate_scale,
            "carry": state.carry,
        },
    }


def _networks(params: Any, collections: Any) -> dict[str, Any]:
    return {name: {"params": tree, **collections.get(name, {})} for name, tree in params.items()}


def state_from_items(items: dict[str, Any], frozen: Any) -> TrainState:
    """The inverse of `state_items`."""
    params, collections = _parts(items[VARIABLES])
    average = dict(zip(("params", "collections"), _parts(items[AVERAGE]), strict=True)) if items[AVERAGE] else {}
    return TrainState(params=params, collections=collections, average=average, frozen=frozen, **items[TRAINING])


def _parts(networks: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    params = {name: variables["params"] for name, variables in networks.items()}
    collections = {name: {k: v for k, v in tree.items() if k != "params"} for name, tree in networks.items()}
    return params, collections


# What a run must go on with, for its state and the position of its data to mean the same.
_FIXED = {
    "task.name": lambda config: config["task"]["name"],
    "task.features": lambda config: config["task"]["features"],
    "task.residual_blocks": lambda config: config["task"]["residual_blocks"],
    "task.edge_discriminator": lambda config: config["task"]["edge_discriminator"],
    "train.seed": lambda config: config["train"]["seed"],
    "train.batch_size": lambda config: config["train"]["batch_size"],
    "train.ema_decay above 0": lambda config: config["train"]["ema_decay"] > 0,
    "losses.pool_size": lambda config: config["losses"]["pool_size"],
    "data.workers (each of them counts its own position in the data)": lambda config: config["data"]["workers"],
}

_ROUNDED = (
    "the number of devices (the batches and draws would be the same, but sums over a batch would be rounded in another "
    "order; checkpoint.allow_rounding=True accepts that)"
)


def check_same_run(saved: dict[str, Any], now: dict[str, Any]) -> None:
    """Holds the `meta` of a checkpoint against that of the run that would go on from it.

    Raises:
        ValueError: lists everything that differs and must not.
    """
    pairs = {name: (of(saved["config"]), of(now["config"])) for name, of in _FIXED.items()}
    pairs["the hashes of the frozen weights (losses.vgg_weights)"] = saved["frozen"], now["frozen"]
    if "pictures" in saved:  # not in checkpoints of older versions
        pairs["the pictures of data.train"] = saved["pictures"], now["pictures"]
    if pairs["losses.pool_size"][0]:  # each device has a pool of its own
        pairs["the number of devices"] = saved["devices"], now["devices"]
    elif not now["config"]["checkpoint"]["allow_rounding"]:
        pairs[_ROUNDED] = saved["devices"], now["devices"]
    changed = [f"{name}: began with {old}, now {new}" for name, (old, new) in pairs.items() if old != new]
    if changed:
        remedy = "take these back, or use a new workdir (and checkpoint.init_from to start from these weights)"
        raise ValueError("the run in this workdir cannot go on; " + remedy + "\n  " + "\n  ".join(changed))


def _restore(
    state: TrainState, task: Task, store: CheckpointStore, step: int, data: Any, devices: list[parallel.Device]
) -> TrainState:
    """The state of checkpoint `step`; sets the position of `data`."""
    phase = states.phase_at(task, step)
    state = state.replace(optimizers=states.new_optimizers(task, phase, state.params))
    placed = parallel.place(state, states.SHARDED_FIELDS, devices)
    items = store.restore(step, state_items(placed), data)
    return state_from_items(items, placed.frozen)
