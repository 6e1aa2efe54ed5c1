"""The classes of label maps."""

from typing import NamedTuple


class Class(NamedTuple):
    """A class.

    Attributes:
        name: in files.
        thing: whether its objects are told apart in instance maps.
        color: that shows it, RGB.
    """

    name: str
    thing: bool
    color: tuple[int, int, int]


CLASSES: tuple[Class, ...] = (
    Class("sky", False, (70, 130, 180)),
    Class("sun", False, (255, 230, 120)),
    Class("cloud", False, (235, 240, 245)),
    Class("mountain", False, (110, 105, 130)),
    Class("ground", False, (130, 170, 90)),
    Class("water", False, (40, 90, 200)),
    Class("road", False, (128, 64, 128)),
    Class("marking", False, (250, 250, 250)),
    Class("pavement", False, (244, 35, 232)),
    Class("wall", True, (180, 100, 80)),
    Class("roof", True, (150, 40, 40)),
    Class("window", True, (150, 200, 230)),
    Class("door", True, (100, 60, 20)),
    Class("trunk", True, (90, 60, 30)),
    Class("foliage", True, (30, 110, 40)),
    Class("car", True, (0, 0, 142)),
    Class("lamp", True, (220, 220, 0)),
    Class("fence", True, (190, 153, 153)),
    Class("rock", True, (90, 90, 90)),
)
LABELS: dict[str, int] = {row.name: label for label, row in enumerate(CLASSES)}
