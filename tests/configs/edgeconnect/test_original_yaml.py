"""A config.yml of the original: every option changes its target, everything else is refused by name."""

import pathlib
import re

import pytest

from configs.edgeconnect import default, original_yaml
from edgeconnect_jax.configuration import stages as configuration
from edgeconnect_jax.configuration.types import Config
from edgeconnect_jax.systems.edgeconnect.data import READER
from edgeconnect_jax.systems.edgeconnect.rules import RULES

# For every option another value than its default and what it must set.
CHANGES = {
    "MODE": (3, "eval"),
    "MODEL": (4, "joint"),
    "MASK": (5, "external_block_half"),
    "EDGE": (2, "external"),
    "SEED": (11, 11),
    "GPU": ([0, 1], (0, 1)),
    "DEBUG": (1, True),
    "VERBOSE": (1, True),
    "LR": ("1e-3", 0.001),
    "D2G_LR": (0.2, 0.2),
    "BETA1": (0.5, 0.5),
    "BETA2": (0.99, 0.99),
    "BATCH_SIZE": (4, 4),
    "INPUT_SIZE": (0, 0),
    "SIGMA": (-1, -1.0),
    "MAX_ITERS": ("3e5", 300_000),
    "EDGE_THRESHOLD": (0.4, 0.4),
    "L1_LOSS_WEIGHT": (2, 2.0),
    "FM_LOSS_WEIGHT": (5, 5.0),
    "STYLE_LOSS_WEIGHT": (250, 250.0),
    "CONTENT_LOSS_WEIGHT": (0.1, 0.1),
    "INPAINT_ADV_LOSS_WEIGHT": (0.1, 0.1),
    "GAN_LOSS": ("hinge", "hinge"),
    "GAN_POOL_SIZE": (50, 50),
    "SAVE_INTERVAL": (0, 0),
    "SAMPLE_INTERVAL": (0, 0),
    "SAMPLE_SIZE": (3, 3),
    "EVAL_INTERVAL": (500, 500),
    "LOG_INTERVAL": (0, 0),
    **{
        f"{split}{kind}_FLIST": (f"./{split}{kind}.flist", f"./{split}{kind}.flist")
        for split in ("TRAIN", "VAL", "TEST")
        for kind in ("", "_EDGE", "_MASK")
    },
}


def load(folder: pathlib.Path, text: str) -> Config:
    path = folder / "config.yml"
    path.write_text(text)
    return original_yaml.get_config(str(path))


def at(config: Config, option: str) -> object:
    for key in option.split("."):
        config = config[key]
    return config


def test_every_option_is_tried():
    assert set(CHANGES) | {"NMS"} == {option.name for option in original_yaml.OPTIONS}
    targets = [option.target for option in original_yaml.OPTIONS]
    assert len(set(targets)) == len(targets)


@pytest.mark.parametrize("name", CHANGES)
def test_an_option_changes_its_target_and_nothing_else(tmp_path, name):
    value, expected = CHANGES[name]
    (target,) = [option.target for option in original_yaml.OPTIONS if option.name == name]
    # EDGE 2 brings NMS, the original's default, into effect.
    rest = "NMS: 0\n"
    before, after = load(tmp_path, rest), load(tmp_path, f"{rest}{name}: {value}\n")
    assert at(before, target) != expected
    assert at(after, target) == expected
    changed = after.copy_and_resolve_references()
    with changed.unlocked():
        changed.update_from_flattened_dict({target: at(before, target)})
    assert changed == before


@pytest.mark.parametrize(
    ("text", "nms"),
    [("EDGE: 2", True), ("EDGE: 2\nNMS: 0", False), ("EDGE: 1\nNMS: 1", False), ("NMS: 1", False)],
)
def test_nms_matters_with_external_edges_only(tmp_path, text, nms):
    assert load(tmp_path, text).edges.nms is nms


def test_what_is_missing_or_empty_has_the_originals_default(tmp_path):
    config = load(tmp_path, "MODEL: 2\nSTYLE_LOSS_WEIGHT:\n")
    losses = config.losses
    assert (losses.style, losses.content, losses.adversarial) == (1.0, 1.0, 0.01)
    assert (config.masks.kind, config.train.devices, config.train.steps) == ("external", (0,), 2_000_000)
    assert config.data.train == ""


def test_numbers_that_yaml_reads_as_text(tmp_path):
    config = load(tmp_path, "MAX_ITERS: 2e3\nLR: 1e-5\n")
    assert (config.train.steps, config.optimizer.learning_rate) == (2000, 1e-5)


def test_a_whole_run_of_the_original_is_sound(tmp_path):
    lines = [
        "MODEL: 2",
        "MASK: 3",
        "STYLE_LOSS_WEIGHT: 250",
        "GPU: [0]",
        "MAX_ITERS: 2e6",
        "EVAL_INTERVAL: 0",
    ]
    lines += [f"{name}: {value}" for name, (value, _) in CHANGES.items() if name.endswith("FLIST")]
    config = load(tmp_path, "\n".join(lines))
    config.losses.vgg_weights = "random"
    configuration.validate(config, RULES, READER)


@pytest.mark.parametrize("value", [".inf", "-.inf", ".nan", "[1]", "2.5"])
def test_steps_are_a_whole_number(tmp_path, value):
    with pytest.raises(ValueError, match="MAX_ITERS"):
        load(tmp_path, f"MAX_ITERS: {value}\n")


def test_everything_wrong_is_named_at_once(tmp_path):
    with pytest.raises(ValueError, match=r"config\.yml") as error:
        load(tmp_path, "MODLE: 1\nMODEL: 5\nSIGMA: wide\nBATCH_SIZE: 2.5\nDEBUG: 2\nGPU: [a]\nTRAIN_FLIST: 3\n")
    lines = str(error.value).splitlines()[1:]
    assert [line.split()[1] for line in lines] == [
        *("MODLE:", "MODEL:", "GPU:", "DEBUG:", "TRAIN_FLIST:", "BATCH_SIZE:", "SIGMA:")
    ]
    assert "4 (joint)" in lines[1]


@pytest.mark.parametrize("text", ["", "- 1\n- 2\n", "just words"])
def test_a_file_without_options_is_refused(tmp_path, text):
    with pytest.raises(ValueError, match="holds no options"):
        load(tmp_path, text)


def test_the_path_is_asked_for():
    with pytest.raises(ValueError, match=r"original_yaml\.py:PATH"):
        original_yaml.get_config()
    with pytest.raises(FileNotFoundError, match="no_such"):
        original_yaml.get_config("no_such.yml")


def cell(value: object) -> str:
    return f"`{value}`" if value != "" else "none"


def expected_row(option: original_yaml.Option) -> str:
    """A row of the page's table, which also names our own default where it differs from the original's."""
    read, ours = option.read(option.default), at(default.get_config(), option.target)
    # NMS counts only with EDGE 2, and so does not differ until then.
    own = "" if read == ours or option.name == "NMS" else f" (here {cell(ours)})"
    return f"| `{option.name}` | `{option.target}` | {cell(option.default)}{own} | {option.meaning} |"


def test_the_page_has_the_table():
    page = (pathlib.Path(__file__).parents[3] / "docs/systems/edgeconnect.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if re.match(r"\| `[A-Z0-9_]+` \|", line)]
    assert rows == [expected_row(option) for option in original_yaml.OPTIONS]
