"""A plot of every metric against the share of the picture that is hole. Needs matplotlib, of the extra [eval]."""

import io
import math
from collections.abc import Sequence

from edgeconnect_jax.evaluation.per_image import Row
from edgeconnect_jax.evaluation.run import Results

_COLUMNS = 2
_PANEL = (5.5, 3.2)  # inches
_BETTER = {True: "; higher is better", False: "; lower is better", None: ""}
_POINT = 8  # square points


def draw(results: Results, name: str) -> bytes:
    """The plot as a PNG file: a point a picture, and the mean of each bin at its pictures' mean share.

    Args:
        results: of an evaluation with masks.
        name: for the title.

    Raises:
        ModuleNotFoundError: matplotlib is not installed; says what to install.
    """
    try:
        # Without pyplot there is no global state, and no display is needed.
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ModuleNotFoundError(f"it needs matplotlib: pip install -e '.[eval]' ({error})") from error
    keys = [key for key in results.values if any(key in entry.values for entry in results.bins)]
    lines = -(-len(keys) // _COLUMNS)
    figure = Figure(figsize=(_PANEL[0] * _COLUMNS, _PANEL[1] * lines + 0.4), layout="constrained")
    figure.suptitle(f"{name}: {len(results.rows)} pictures")
    for number, key in enumerate(keys, 1):
        axes = figure.add_subplot(lines, _COLUMNS, number)
        xs, ys = points(results.rows, key)
        axes.scatter(xs, ys, s=_POINT, alpha=0.4, linewidths=0)
        axes.plot(*means(results, key), color="black", marker="o")
        definition = results.definitions[key]
        axes.set_title(f"{definition.title}{_BETTER[definition.higher_is_better]}", fontsize="small")
        axes.set_xlabel("hole [% of the picture]", fontsize="small")
        axes.tick_params(labelsize="small")
    data = io.BytesIO()
    FigureCanvasAgg(figure).print_png(data)
    return data.getvalue()


def points(rows: Sequence[Row], key: str) -> tuple[list[float], list[float]]:
    """The share of hole in percent and the value of each picture that has one."""
    found = [(100 * row.ratio, row.values[key]) for row in rows if row.ratio is not None and key in row.values]
    found = [(share, value) for share, value in found if math.isfinite(value)]
    return [share for share, _ in found], [value for _, value in found]


def means(results: Results, key: str) -> tuple[list[float], list[float]]:
    """The mean share of hole in percent and the value of each bin that has one."""
    shares, values = [], []
    for entry in results.bins:
        value = entry.values[key].value if key in entry.values else None
        if value is not None:
            shares.append(100 * entry.share)
            values.append(value)
    return shares, values
