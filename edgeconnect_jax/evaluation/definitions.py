"""What a system declares about its evaluation: its groups of metrics, the outputs of its models, and its options.

The rest of this room is the same for every system: it pairs files, draws holes, measures in threads, computes FID and
the like, and writes the report.
"""

import argparse
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from edgeconnect_jax.evaluation.holes import Holes
from edgeconnect_jax.evaluation.outputs import Output, OutputSource
from edgeconnect_jax.evaluation.pairs import NONE, Folder, Pair
from edgeconnect_jax.metrics.networks import Distance, Features

Options: TypeAlias = argparse.Namespace


class Definition(NamedTuple):
    """One metric.

    Attributes:
        key: in files.
        name: in tables; says which definition it is.
        sentence: the definition. Fields in braces are those of `MeasurementSettings.values`.
        unit: of the value; empty for a plain number.
        higher_is_better: which direction is better; None for a figure that others are compared with.
        decimals: in tables.
    """

    key: str
    name: str
    sentence: str
    unit: str
    higher_is_better: bool | None
    decimals: int

    @property
    def title(self) -> str:
        """Its name with its unit, for the head of a column or row."""
        return f"{self.name} [{self.unit}]" if self.unit else self.name

    def format(self, value: float | None) -> str:
        """A value for a table."""
        return "undefined" if value is None else f"{value:.{self.decimals}f}"


class Value(NamedTuple):
    """A metric of a set.

    Attributes:
        value: None if it is undefined.
        pictures: that it is computed from.
        left_out: pictures for which it is undefined or infinite (the PSNR of equal pictures).
    """

    value: float | None
    pictures: int
    left_out: int = 0


class PairArrays(NamedTuple):
    """A pair with its arrays.

    Attributes:
        pair: which it is, with its files.
        truth: uint8 [H, W, 3].
        hole: bool [H, W]; None = only the whole picture is measured.
        output: of the same size.
    """

    pair: Pair
    truth: np.ndarray
    hole: np.ndarray | None
    output: Output


class Measures(NamedTuple):
    """The measures of one picture.

    Attributes:
        values: key of a metric -> value; NaN where it is undefined, infinite for the PSNR of equal pictures.
        counts: what `MetricGroup.summarise` computes metrics of the whole set from; None if there is nothing to count.
    """

    values: Mapping[str, float] = NONE
    counts: Any = None


class PerceptualDistance(NamedTuple):
    """The metric `distance.name`, a distance of each output from its truth."""

    distance: Distance


class Frechet(NamedTuple):
    """The metric `features.name`, the Frechet distance of some features."""

    features: Features


class Discriminative(NamedTuple):
    """The metrics "p_ids" and "u_ids" of some features."""

    features: Features


class MeasurementSettings(NamedTuple):
    """What is measured, and how.

    Attributes:
        groups: of metrics.
        values: parameters of the metrics by name, as reports show them.
        loaded: group -> what its `load` returned.
        refused: group -> why it is not measured.
    """

    groups: tuple["MetricGroup", ...]
    values: Mapping[str, Any] = NONE
    loaded: Mapping[str, Any] = NONE
    refused: Mapping[str, str] = NONE


def _load_nothing(options: Options) -> None:
    return None


class MetricGroup(NamedTuple):
    """Metrics that are measured together.

    Attributes:
        name: in the option --metrics.
        definitions: of its metrics.
        measure: measures one picture; it runs in threads. None if `networks` are all that it measures.
        summarise: the counts of the pictures that have some -> metrics of the whole set, by key.
        smallest_side: of the pictures that it can measure, in pixels.
        networks: metrics of trained networks, which see the pictures in batches.
        load: what `measure` finds in `MeasurementSettings.loaded`, such as a network of its own; raises ValueError,
            with the reason, if the group cannot be measured with the options.
        option: the group is measured if this option (without "--") is set, instead of being one of --metrics.
        title: in messages that it is not measured.
    """

    name: str
    definitions: tuple[Definition, ...]
    measure: Callable[[PairArrays, MeasurementSettings], Measures] | None = None
    summarise: Callable[[Sequence[Any]], Mapping[str, Value]] | None = None
    smallest_side: int = 1
    networks: tuple[PerceptualDistance | Frechet | Discriminative, ...] = ()
    load: Callable[[Options], Any] = _load_nothing
    option: str = ""
    title: str = ""


def _add_nothing(parser: argparse.ArgumentParser) -> None:
    """Adds no options."""


def _no_lines(options: Options) -> Iterable[str]:
    return ()


def _no_folders(options: Options) -> Sequence[Folder]:
    return ()


def _no_holes(options: Options) -> Holes | None:
    return None


def _no_values(options: Options, source: OutputSource) -> Mapping[str, Any]:
    return NONE


class Evaluation(NamedTuple):
    """How a system is evaluated. The options are those of the command, with the system's own.

    Attributes:
        groups: of metrics, in the order of tables; `groups` has those that systems share.
        outputs: a model with the networks of options.checkpoint; it may also load other files. Raises ValueError for
            checkpoints that are missing or invalid.
        fills: its models fill holes, so that --checkpoint needs --mask or --masks, or holes of its own.
        holes: holes of its own; None for those of --mask and --masks.
        folders: files that belong to the true pictures beside outputs and masks, such as its models' inputs.
        settings: parameters of its metrics, see `MeasurementSettings.values`.
        columns: label -> a picture [H, W, 1 or 3] of each example for the contact sheet, uint8 or in [0, 1]; a column
            that returns None for an example is not shown.
        add_options: adds its options to the parser of the command.
        check_options: a line for each problem with its options.
    """

    groups: tuple[MetricGroup, ...]
    outputs: Callable[[Options], OutputSource]
    fills: bool = True
    holes: Callable[[Options], Holes | None] = _no_holes
    folders: Callable[[Options], Sequence[Folder]] = _no_folders
    settings: Callable[[Options, OutputSource], Mapping[str, Any]] = _no_values
    columns: Mapping[str, Callable[[PairArrays], np.ndarray | None]] = NONE
    add_options: Callable[[argparse.ArgumentParser], None] = _add_nothing
    check_options: Callable[[Options], Iterable[str]] = _no_lines


def by_key(groups: Iterable[MetricGroup]) -> dict[str, Definition]:
    """Key -> definition of all metrics of some groups, in their order."""
    return {definition.key: definition for group in groups for definition in group.definitions}


def features_of(groups: Iterable[MetricGroup]) -> list[str]:
    """The names of the Frechet distances among some groups."""
    return [metric.features.name for group in groups for metric in group.networks if isinstance(metric, Frechet)]


def smallest_sides(groups: Iterable[MetricGroup]) -> dict[str, int]:
    """Group -> the smallest side that it can measure, in pixels."""
    return {group.name: group.smallest_side for group in groups if group.smallest_side > 1}
