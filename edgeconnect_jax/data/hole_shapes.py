"""The shapes of holes, and which of them each value of the option `masks.kind` draws. Without OpenCV, for tasks."""

# Shape -> its plural in tables. The place of a shape is its number in batches.
SHAPES: dict[str, str] = {"block": "blocks", "half": "halves", "freeform": "strokes", "external": "mask files"}

# The shapes from which each value of `masks.kind` draws, with equal probability, for each example. "paired" is missing
# because such a mask belongs to its picture and nothing is drawn.
OF_KIND: dict[str, tuple[str, ...]] = {
    "block": ("block",),
    "half": ("half",),
    "external": ("external",),
    "external_block": ("block", "external"),
    "external_block_half": ("block", "half", "external"),
    "freeform": ("freeform",),
    "block_freeform": ("block", "freeform"),
}


def mixed(kind: str) -> dict[str, int]:
    """Shape -> its number, for a kind that draws one of several; empty for one that always draws the same."""
    shapes, numbers = OF_KIND.get(kind, ()), tuple(SHAPES)
    return {shape: numbers.index(shape) for shape in shapes} if len(shapes) > 1 else {}
