"""The commands as a user runs them: the editor's service, and inpaint with a recipe of it."""

import contextlib
import json
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import requests

from edgeconnect_jax import inpaint, serve, systems
from edgeconnect_jax.host import compilation_cache
from edgeconnect_jax.images import files as images
from edgeconnect_jax.serving import app
from edgeconnect_jax.systems.edgeconnect.editor import recipe
from tests.serving.services import example, png
from tests.systems.edgeconnect.editor.narrow import narrow_model
from tests.systems.edgeconnect.weights import write_checkpoint

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def enabled(monkeypatch):
    """Leaves JAX's cache and its log as they are in this process; lists the folders instead."""
    folders = []
    monkeypatch.setattr(compilation_cache, "enable", folders.append)
    return folders


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp("checkpoint"))


@contextlib.contextmanager
def served(checkpoint, *more):
    """The command in a process of its own; its address and the process."""
    command = [sys.executable, "-m", "edgeconnect_jax.serve", "--checkpoint", str(checkpoint), "--port", "0", *more]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout and process.stderr
        line = process.stdout.readline()
        found = re.search(r"http://\S+", line)
        assert found, line + process.stderr.read()
        yield found[0], process
    finally:
        process.kill()
        process.communicate()


def test_what_is_downloaded_is_replayed_to_the_same_bytes(checkpoint, tmp_path):
    """One story through both real commands: predict, change a line, fill, download, replay."""
    image, hole, form = example(33, 41)
    deep = image.astype(np.uint16) * 257 ^ np.random.default_rng(0).integers(0, 9, image.shape, dtype=np.uint16)
    form["image"] = png(np.concatenate([deep, deep[..., :1]], -1))
    files = {name: (f"{name}.png", content) for name, content in form.items()}
    with served(checkpoint, "--warm_up") as (url, process):
        soft = requests.post(url + "/api/edges", files=files, timeout=60)
        lines = images.read_gray8(soft.content).copy()
        lines[np.nonzero(hole)[0][:20], np.nonzero(hole)[1][:20]] = 255
        files["lines"] = ("lines.png", png(lines))
        filled = requests.post(url + "/api/inpaint", files=files, timeout=60)
        saved = requests.post(url + "/api/recipe", files=files, timeout=60)
        process.send_signal(signal.SIGINT)
        out, error = process.communicate(timeout=60)
    assert process.returncode == 0 and not out and not error
    (tmp_path / "photo.png").write_bytes(form["image"])
    (tmp_path / "recipe.json").write_bytes(saved.content)
    command = [sys.executable, "-m", "edgeconnect_jax.inpaint", "--recipe", "recipe.json", "--input", "photo.png"]
    command += ["--checkpoint", str(checkpoint), "--output", "out/here", "--save_edges"]
    run = subprocess.run(command, cwd=tmp_path, env=None, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert "1 picture written" in run.stdout and not run.stderr
    assert (tmp_path / "out/here/photo.png").read_bytes() == filled.content
    np.testing.assert_array_equal(images.read_gray8(tmp_path / "out/here/edges/photo.png"), lines)


@pytest.fixture
def replay(checkpoint, tmp_path, monkeypatch, model):
    """Runs inpaint with a recipe in a folder of its own; returns a function of more options."""
    _, hole, form = example()
    (tmp_path / "photo.png").write_bytes(form["image"])
    made = recipe.Recipe(
        "photo.png",
        recipe.sha256(form["image"]),
        hole.shape,
        model.sha256,
        2.0,
        0.0,
        "float32",
        "cpu",
        *recipe.encode(hole, (hole * 255).astype(np.uint8)),
    )
    (tmp_path / "recipe.json").write_text(json.dumps(recipe.to_json(made)))
    monkeypatch.chdir(tmp_path)
    base = ["--checkpoint", str(checkpoint), "--recipe", "recipe.json"]
    return lambda *more: inpaint.main([*base, *more])


@pytest.fixture(scope="module")
def model():
    return narrow_model()


def test_a_recipe_needs_no_output(replay, tmp_path, capsys):
    assert replay("--input", "photo.png") == 0
    assert [path.name for path in (tmp_path / "filled").iterdir()] == ["photo.png"]
    assert "to filled" in capsys.readouterr().out


def test_the_same_picture_in_another_file_is_another(replay, tmp_path, capsys):
    picture = images.read_picture(tmp_path / "photo.png")
    images.write_png(tmp_path / "other.png", np.concatenate([picture.color, picture.color[..., :1]], -1))
    assert replay("--input", "other.png") == 2
    error = capsys.readouterr().err
    assert "other.png: not the picture that recipe.json was made with" in error
    assert not (tmp_path / "filled").exists()


def test_other_weights_are_refused(replay, tmp_path, capsys, monkeypatch):
    text = json.loads((tmp_path / "recipe.json").read_text())
    text["checkpoint"]["sha256"] = "0" * 64
    (tmp_path / "recipe.json").write_text(json.dumps(text))
    assert replay("--input", "photo.png") == 2
    assert "--checkpoint: not the weights that recipe.json was made with" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--mask", "photo.png", "--dtype", "float32"], "--mask, --dtype: already set by --recipe recipe.json"),
        (["--sigma", "2"], "--sigma: already set"),
        (
            ["--steps", "full", "--invert_mask", "--mask_threshold", "0"],
            "--steps, --invert_mask, --mask_threshold: already set",
        ),
        (["--input", "."], "--input .: must be the file"),
        (["--output", "."], "results would mix with the input"),
        (["--recipe", "missing.json"], "missing.json: cannot be read"),
        (["--recipe", "photo.png"], "photo.png: not a recipe"),
        (["--checkpoint", "missing"], "missing: no such checkpoint"),
    ],
)
def test_options_that_do_not_go_with_a_recipe(replay, capsys, more, says):
    assert replay("--input", "photo.png", *more) == 2
    assert says in capsys.readouterr().err


def test_a_recipe_of_another_device_says_so(replay, tmp_path, capsys):
    text = json.loads((tmp_path / "recipe.json").read_text()) | {"device": "NVIDIA H100"}
    (tmp_path / "recipe.json").write_text(json.dumps(text))
    assert replay("--input", "photo.png") == 0
    assert "made on NVIDIA H100, this is cpu" in capsys.readouterr().err


def test_without_a_recipe_a_mask_is_needed(checkpoint, capsys):
    with pytest.raises(SystemExit) as ended:
        inpaint.main(["--checkpoint", str(checkpoint), "--input", "x.png"])
    assert ended.value.code == 2 and "required: --mask (or --recipe)" in capsys.readouterr().err


def test_a_port_in_use_is_reported_before_the_networks_are_loaded(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert serve.main(["--checkpoint", "missing", "--port", port]) == 2
    assert f"--port {port}: Address already in use; choose another" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--checkpoint", "missing"], "missing: no such checkpoint"),
        (["--checkpoint", "missing", "--host", "no.such.host.invalid"], "--host no.such.host.invalid"),
        (["--checkpoint", "x", "--port", "70000"], "70000 must be from 0 to 65535"),
        (["--checkpoint", "x", "--queue", "0"], "--queue: 0 must be 1 or more"),
        (["--checkpoint", "x", "--max_pixels", "4k"], "--max_pixels: invalid number value: '4k'"),
        (["--checkpoint", "x", "--allow_origin", "example.org"], "example.org is not an origin"),
        (["--checkpoint", "x", "--warm_up", "512"], "512 is not a size"),
        ([], "required: --checkpoint"),
    ],
)
def test_options_that_are_wrong(options, says, capsys):
    try:
        status = serve.main([*options, *([] if "--port" in options else ["--port", "0"])])
    except SystemExit as ended:
        status = ended.code
    assert status == 2 and says in capsys.readouterr().err


@pytest.fixture
def another(monkeypatch, tmp_path):
    """A checkpoint of another system with a page, and one of a system without."""
    monkeypatch.setattr(systems, "__path__", [*systems.__path__, str(tmp_path / "systems")])
    files = {
        "systems/negative/__init__.py": "",
        "systems/negative/editor/__init__.py": "",
        "systems/negative/editor/page.py": "from tests.serving.negative.page import PAGE\n",
        "systems/pageless/__init__.py": "",
    }
    for name in ("negative", "pageless"):
        files[f"{name}.ckpt/variables/none"] = ""
        files[f"{name}.ckpt/meta/metadata"] = json.dumps({"format": 1, "step": 0, "networks": {}, "system": name})
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    yield tmp_path
    systems.load.cache_clear()
    for name in [name for name in sys.modules if re.match(r"edgeconnect_jax\.systems\.(negative|pageless)", name)]:
        del sys.modules[name]


def test_checkpoints_of_several_systems_are_served_side_by_side(checkpoint, another, enabled, monkeypatch, capsys):
    def run(server, sockets):
        served.append(server.config.app)
        (socket_,) = sockets
        ports.append(socket_.getsockname()[1])

    served, ports = [], []
    monkeypatch.setattr("uvicorn.Server.run", run)
    # It closes the handlers of others, absl's with the stream that pytest captures.
    monkeypatch.setattr("uvicorn.Config.configure_logging", lambda config: None)
    made = []
    monkeypatch.setattr(app, "create", lambda *given, create=app.create: made.append(create(*given)) or made[-1])
    options = ["--port", "0", "--compilation_cache", "here"]
    assert serve.main(["--checkpoint", str(another / "negative.ckpt"), str(checkpoint), *options]) == 0
    assert enabled == ["here"]
    (service,) = made
    assert served == [service.asgi] and list(service.systems) == ["negative", "edgeconnect"]
    assert service.systems["negative"].state.model.name == "negative.ckpt"
    assert service.systems["edgeconnect"].state.model.name == checkpoint.name
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        f"The editor is at http://127.0.0.1:{ports[0]} (Ctrl-C stops it)",
        f"EdgeConnect is at http://127.0.0.1:{ports[0]}/edgeconnect/",
    ]
    service.device.close()


def test_a_system_without_a_page_is_named(checkpoint, another, capsys):
    pageless = str(another / "pageless.ckpt")
    assert serve.main(["--checkpoint", str(checkpoint), pageless, "--port", "0"]) == 2
    assert f"{pageless}: pageless has no page to serve; remove it" in capsys.readouterr().err


def test_without_the_extra_it_is_named(monkeypatch, capsys):
    monkeypatch.setattr(serve.importlib.util, "find_spec", lambda name: None if name == "uvicorn" else name)
    assert serve.main(["--checkpoint", "x"]) == 2
    assert "uvicorn not installed; pip install -e '.[serve]'" in capsys.readouterr().err
