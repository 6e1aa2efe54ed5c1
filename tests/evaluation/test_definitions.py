import pathlib

from edgeconnect_jax.evaluation.definitions import DEFINITIONS, GROUPS

PAGE = (pathlib.Path(__file__).parents[2] / "docs/evaluation.md").read_text(encoding="utf-8")


def test_the_page_names_every_metric_and_group():
    for definition in DEFINITIONS.values():
        # What stands behind a comma says over what it is taken; "of chance" goes with both.
        name = definition.name if definition.group == "legacy" else definition.name.removesuffix(", hole")
        name = name.split(", set")[0].split(", mean of")[0].removesuffix(" of chance")
        assert name in PAGE, definition.name
    assert all(f"`{group}`" in PAGE for group in GROUPS)
