"""A plot of seconds per picture against pixels. Takes matplotlib, of the extra [eval]."""

import io
import pathlib
from collections.abc import Sequence

from benchmarks.measuring.rows import Row
from edgeconnect_jax.host.files import write_whole

_SIZE = (6.4, 4.4)  # inches
# Of each curve: what it is called, its colour, how its points are joined.
_STYLES = {
    "ours": ("this code", "tab:blue", "o-"),
    "theirs": ("PyTorch, eager, in its faster memory format", "tab:orange", "s-"),
    "limit": ("direct convolutions at the rate of matrix products", "black", "--"),
}


def curves(rows: Sequence[Row]) -> dict[str, tuple[list[int], list[float]]]:
    """Pixels and seconds per picture: "ours", "theirs" where it was measured, and the "limit" of direct convolutions.

    Args:
        rows: of `inference.py`; of several batches the first counts.
    """
    batch = rows[0]["batch"]
    chosen = sorted((row for row in rows if row["batch"] == batch), key=lambda row: row["side"])
    seconds = {
        **{side: [(row["side"] ** 2, row[side]) for row in chosen] for side in ("ours", "theirs")},
        "limit": [(row["side"] ** 2, row["flops_by_hand"] / row["peak"]) for row in chosen],
    }
    measured = {name: [(x, y / batch) for x, y in pairs if y] for name, pairs in seconds.items()}
    return {name: ([x for x, _ in pairs], [y for _, y in pairs]) for name, pairs in measured.items() if pairs}


def write(path: pathlib.Path, rows: Sequence[Row]) -> None:
    """Draws the curves as a PNG file.

    Raises:
        ModuleNotFoundError: matplotlib is not installed; says what to install.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ModuleNotFoundError(f"a plot takes matplotlib: pip install -e '.[eval]' ({error})") from error
    figure = Figure(figsize=_SIZE, layout="constrained")
    axes = figure.add_subplot()
    for name, (pixels, seconds) in curves(rows).items():
        label, color, style = _STYLES[name]
        axes.loglog(pixels, seconds, style, color=color, label=label)
    sides = sorted({row["side"] for row in rows})
    axes.set_xticks([side**2 for side in sides], [f"{side}²" for side in sides])
    axes.minorticks_off()
    axes.set_xlabel("pixels")
    axes.set_ylabel("seconds per picture")
    environment = rows[0]["environment"]
    title = f"{environment['machine']}, {environment['threads']} threads, {environment['device']}, {rows[0]['dtype']}"
    axes.set_title(title, fontsize="medium")
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
    data = io.BytesIO()
    FigureCanvasAgg(figure).print_png(data)
    write_whole(path, data.getvalue())
