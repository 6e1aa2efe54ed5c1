"""Every command of the README and the pages runs, or is marked as one that does not run here; Python runs, too."""

import contextlib
import importlib.util
import pathlib
import shutil
import subprocess
import sys

import pytest
from PIL import Image

from tests.conftest import PHOTOGRAPHS, write_photographs
from tests.docs import running
from tests.docs.pages import PAGES, ROOT, RUN_BY, TEST_COMMAND, Block, Command, blocks, commands
from tests.importers import originals
from tests.synthetic import picture
from tests.systems.edgeconnect.weights import write_hed

OWN_TEST = ROOT / "docs/adding_a_system.md"
SHELL = [block for page in PAGES for block in blocks(page, "sh", "bash")]
PYTHON = [block for page in PAGES if page != OWN_TEST for block in blocks(page, "python")]
# What the commands read from the repository.
_SHARED = ("benchmarks", "configs", "edgeconnect_jax", "main.py", "scripts", "tests")
_SPLITS = ("train", "val", "validation")
_NEED_TORCH = ("scripts/convert_torch_ckpt.py", "scripts/export_torch_ckpt.py", "benchmarks/startup.py")
_DEMO = "python main.py --config configs/demo.py --workdir runs/demo"
# What the other commands start from, as if it had been trained: workdir -> where the tests have one.
_TRAINED = {
    **{f"runs/{name}/joint": "runs/demo/edge_inpaint" for name in ("mine", "bsds500", "hed")},
    **{f"runs/places2/{stage}": f"runs/demo/{stage}" for stage in ("edge", "edge_inpaint")},
}


def test_shell_is_called_sh_and_every_block_has_a_language():
    for page in PAGES:
        for block in blocks(page):
            assert block.language and block.language not in ("shell", "console", "bash"), block.name


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> pathlib.Path:
    """A folder in which commands find what they name: photographs, masks, trained networks."""
    folder = tmp_path_factory.mktemp("world")
    for name in _SHARED:
        (folder / name).symlink_to(ROOT / name)
    _write_pictures(folder)
    write_hed(folder / "weights/hed")
    if importlib.util.find_spec("torch"):
        originals.write_all(folder / "weights/original/places2")
    (folder / "PATH").mkdir()
    (folder / "PATH/config.yml").write_text("MASK: 1\nTRAIN_FLIST: photos/train\nVAL_FLIST: photos/val\nGPU: [0]\n")
    with contextlib.chdir(folder):
        running.run(*running.program_of(_DEMO.split()))
    for workdir, trained in _TRAINED.items():
        (folder / workdir).parent.mkdir(exist_ok=True)
        (folder / workdir).symlink_to(folder / trained)
    return folder


def _write_pictures(folder: pathlib.Path) -> None:
    image, mask = picture(3, 64, 80)
    Image.fromarray(image).save(folder / "photo.jpg")
    Image.fromarray(mask).save(folder / "mask.png")
    write_photographs(folder / "all", 64, 80)
    for split in _SPLITS:
        (folder / f"photos/{split}").mkdir(parents=True)
        (folder / f"masks/{split}").mkdir(parents=True)
        for name in PHOTOGRAPHS:
            shutil.copy(folder / f"all/{name}.png", folder / f"photos/{split}/{split}_{name}.png")
            shutil.copy(folder / "mask.png", folder / f"masks/{split}/{split}_{name}.png")
    for split in ("train", "val"):
        shutil.copytree(folder / "all", folder / f"data/bsds500/{split}/images")


@pytest.fixture
def here(world, monkeypatch) -> pathlib.Path:
    """The world as the current folder."""
    for written in ("filled", "reports"):
        shutil.rmtree(world / written, ignore_errors=True)
    shutil.copytree(world / "photos/val", world / "filled")  # the results of any program
    monkeypatch.chdir(world)
    monkeypatch.setenv("XDG_CACHE_HOME", str(world / "cache"))
    monkeypatch.setattr(sys, "argv", ["command"])
    return world


def by_name(found: list[Block]) -> pytest.MarkDecorator:
    """One test a block; those that need PyTorch are marked."""
    marks = {block: [pytest.mark.oracles] if any(x in block.text for x in _NEED_TORCH) else [] for block in found}
    return pytest.mark.parametrize("block", [pytest.param(b, id=b.name, marks=m) for b, m in marks.items()])


@by_name(SHELL)
def test_every_command_runs_or_is_marked(block, here):
    if any(name in block.text for name in _NEED_TORCH):
        pytest.importorskip("torch")
    for command in commands(block):
        if block.above == TEST_COMMAND or RUN_BY.match(block.above):
            check_run_elsewhere(command)
        elif not command.marked:
            run(command)


def check_run_elsewhere(command: Command) -> None:
    """That whoever the line above the block names runs the command."""
    elsewhere = RUN_BY.match(command.block.above)
    if elsewhere is None:  # .ci/run reads the README's test command from the README
        assert TEST_COMMAND in (ROOT / ".ci/run").read_text(encoding="utf-8")
        return
    text = (ROOT / elsewhere[1]).read_text(encoding="utf-8")
    if command.block.page.name not in text:  # a test that names the page runs what stands there
        wanted = wanted_in(command)
        plain = text.replace('"', "").replace("$venv/bin/python -m ", "").replace("$venv/bin/", "")
        assert wanted in plain, f"{command.block.name}: {elsewhere[1]} does not run {wanted}"


def wanted_in(command: Command) -> str:
    """How a command is recognized: a module or script by its name, another program with its first option."""
    program, arguments = running.program_of(command.words)
    return (
        pathlib.Path(program).stem.rpartition(".")[2] if program else " ".join(arguments[:2]).removeprefix(".venv/bin/")
    )


def run(command: Command) -> None:
    program, arguments = running.program_of(command.words)
    if program.startswith("benchmarks/"):
        running.parse_only(program, arguments)
    elif program:
        running.run(program, arguments)
    else:
        assert command.words[:3] == ["python3.11", "-m", "venv"], f"{command.block.name}: {command.words} is not run"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", *command.words[3:]], check=True)


@pytest.mark.parametrize("page", sorted({block.page for block in PYTHON}), ids=lambda page: str(page.relative_to(ROOT)))
def test_python_runs(page, here):
    """The blocks of a page, one after the other, as one program."""
    names: dict = {}
    for block in PYTHON:
        if block.page != page:
            continue
        with contextlib.ExitStack() as stack:
            text = block.text
            if running.ADDRESS in text:
                text = text.replace(running.ADDRESS, stack.enter_context(running.served("runs/mine/joint")))
            exec(compile("\n" * block.line + text, block.page, "exec"), names)


def test_what_is_neither_run_nor_marked_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```sh\nfly to the moon\npip install x  # not run here: needs a network\n```\n")
    (block,) = blocks(page, "sh")
    first, second = commands(block._replace(page=ROOT / "page.md"))
    assert not first.marked and second.marked
    with pytest.raises(AssertionError, match="is not run"):
        run(first)
    page.write_text("```sh\n# Not run here: needs a cluster.\nfly to \\\n    the moon\n```\n")
    (command,) = commands(blocks(page, "sh")[0])
    assert command.marked and command.words == ["fly", "to", "the", "moon"]
