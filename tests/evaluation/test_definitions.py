import pathlib

from edgeconnect_jax.evaluation.definitions import DEFINITIONS, GROUPS

README = (pathlib.Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def test_the_readme_names_every_metric_and_group():
    section = README.split("## Measure\n")[1].split("\n## ")[0]
    for definition in DEFINITIONS.values():
        # What stands behind a comma says over what it is taken; "of chance" goes with both.
        name = definition.name if definition.group == "legacy" else definition.name.removesuffix(", hole")
        name = name.split(", set")[0].split(", mean of")[0].removesuffix(" of chance")
        assert name in section, definition.name
    assert all(f"`{group}`" in section for group in GROUPS)
