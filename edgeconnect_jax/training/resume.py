"""Resumes a run bit for bit from its own checkpoint, or starts it from networks of other checkpoints."""

import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edgeconnect_jax.checkpoints.folders import AVERAGE, TRAINING, VARIABLES
from edgeconnect_jax.checkpoints.store import CheckpointStore
from edgeconnect_jax.checkpoints.weights import Weights, check_shapes, load_weights
from edgeconnect_jax.configuration.types import Config
from edgeconnect_jax.parallel import devices as parallel
from edgeconnect_jax.tasks.task import Spec, Task, Variables
from edgeconnect_jax.training import state as states
from edgeconnect_jax.training.state import TrainState

# Options that every resumed run must keep so that its state and data position keep their meaning, with a remark.
_FIXED = {
    "task.name": "",
    "train.seed": "",
    "train.batch_size": "",
    "data.workers": " (each worker counts its own position in the data)",
}

_ROUNDED = (
    "the number of devices (the batches and draws would be the same, but sums over a batch would be rounded in another "
    "order; checkpoint.allow_rounding=True accepts that)"
)
_ABSENT = object()


def check_same_run(
    saved: Mapping[str, Any], now: Mapping[str, Any], task: Task, fixed: Sequence[str], *, carries: bool
) -> None:
    """Compares the `meta` of a checkpoint with that of the run that resumes from it.

    Entries that a checkpoint of an earlier version lacks are not compared.

    Args:
        saved: `meta` of the checkpoint.
        now: `meta` of the run.
        task: task of the run.
        fixed: options that must be the same, in addition to those of every system.
        carries: whether each device carries its own state.

    Raises:
        ValueError: lists all differences that prevent resuming.
    """
    pairs = {
        option + _FIXED.get(option, ""): tuple(_value_at(meta["config"], option) for meta in (saved, now))
        for option in dict.fromkeys((*_FIXED, *fixed))
    }
    pairs["train.ema_decay above 0"] = tuple(meta["config"]["train"]["ema_decay"] > 0 for meta in (saved, now))
    options = sorted({frozen.option for frozen in task.frozen.values()})
    named = f" ({', '.join(options)})" if options else ""
    pairs[f"the hashes of the frozen weights{named}"] = saved["frozen"], now["frozen"]
    for key, name in (("system", "the system"), ("pictures", "the pictures of data.train")):
        pairs[name] = saved.get(key, _ABSENT), now.get(key, _ABSENT)
    if carries:
        pairs["the number of devices"] = saved["devices"], now["devices"]
    elif not now["config"]["checkpoint"]["allow_rounding"]:
        pairs[_ROUNDED] = saved["devices"], now["devices"]
    changed = [
        f"{name}: started with {old}, now {new}"
        for name, (old, new) in pairs.items()
        if old is not _ABSENT and old != new
    ]
    if changed:
        remedy = "undo these changes, or use a new workdir (and checkpoint.init_from to start from these weights)"
        raise ValueError("the run in this workdir cannot be resumed; " + remedy + "\n  " + "\n  ".join(changed))


def _value_at(config: Any, option: str) -> Any:
    """The value of "group.name" in a stored configuration, `_ABSENT` if it is missing."""
    for key in option.split("."):
        config = config.get(key, _ABSENT) if isinstance(config, Mapping) else _ABSENT
    return config


def restore(
    state: TrainState,
    task: Task,
    store: CheckpointStore,
    step: int,
    batches: Any,
    devices: Sequence[parallel.Device],
) -> TrainState:
    """Loads the state of checkpoint `step` onto the devices and sets the position of `batches`.

    Args:
        state: an initial state of the same run.
        task: task of the run.
        store: the store of checkpoints.
        step: step of the checkpoint.
        batches: iterator over the data.
        devices: devices of all processes.
    """
    phase = states.phase_at(task, step)
    state = state.replace(optimizers=states.new_optimizers(task, phase, state.params))
    placed = parallel.place(state, states.SHARDED_FIELDS, devices)
    return _state_of(store.restore(step, items_of(placed), batches), placed.frozen)


def start_from(
    state: TrainState, task: Task, paths: Sequence[str], say: Callable[[str], None], *, system: str = ""
) -> TrainState:
    """Loads the networks of earlier checkpoints into an initial state.

    Args:
        state: an initial state.
        task: task of the run.
        paths: checkpoints; if several contain a network, the last one counts.
        say: prints which networks come from a checkpoint and which start fresh.
        system: of the run; checkpoints of another are refused.

    Raises:
        ValueError: none of the checkpoints has a network that is not trained here, or shapes differ.
    """
    weights = load_weights(paths, system=system) if paths else Weights({}, {})
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


def load_for_evaluation(task: Task, config: Config, spec: Spec, workdir: pathlib.Path) -> TrainState:
    """Loads the networks that predictions need from the newest checkpoint at `workdir`; the state cannot be trained.

    Raises:
        ValueError: there is no checkpoint, it lacks such a network, or shapes differ.
    """
    needed = [name for name, player in task.players.items() if player.averaged] + list(task.pretrained)
    loaded = load_weights(workdir, needed).networks
    state = states.create(task, config.train.seed, spec).replace(carry={})
    return _with_networks(state, {name: loaded[name] for name in needed}, f"the checkpoint of {workdir}")


def _with_networks(state: TrainState, networks: Mapping[str, Any], source: str) -> TrainState:
    """Replaces the variables of some networks after checking their shapes; errors name `source`."""
    params, collections = dict(state.params), dict(state.collections)
    check_shapes(source, networks, {name: {"params": params[name], **collections[name]} for name in networks})
    for name, variables in networks.items():
        params[name] = variables["params"]
        collections[name] = {kind: tree for kind, tree in variables.items() if kind != "params"}
    return state.replace(params=params, collections=collections)


def items_of(state: TrainState) -> dict[str, Any]:
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


def _state_of(items: Mapping[str, Any], frozen: Any) -> TrainState:
    """The inverse of `items_of`."""
    params, collections = _parts(items[VARIABLES])
    average = dict(zip(("params", "collections"), _parts(items[AVERAGE]), strict=True)) if items[AVERAGE] else {}
    return TrainState(params=params, collections=collections, average=average, frozen=frozen, **items[TRAINING])


def _parts(networks: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    params = {name: variables["params"] for name, variables in networks.items()}
    collections = {name: {k: v for k, v in tree.items() if k != "params"} for name, tree in networks.items()}
    return params, collections
