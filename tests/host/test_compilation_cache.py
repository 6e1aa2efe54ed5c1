"""The cache is used when it can be, and never stops a run."""

import pathlib
import shutil
import warnings

import jax
import jax.numpy as jnp
import pytest

from edgeconnect_jax.host import compilation_cache


@pytest.fixture(autouse=True)
def put_back():
    """Leaves the process as it was: with the folder of the whole test session."""
    yield
    jax.clear_caches()
    compilation_cache.enable(None)


def compute():
    """Compiles a program anew, as another process would, unless the cache has it."""
    jax.clear_caches()
    return float(jax.jit(lambda x: jnp.cos(x) * 3)(0.0))


def test_programs_are_kept(tmp_path):
    compilation_cache.enable(str(tmp_path / "new/cache"))
    compute()
    assert list((tmp_path / "new/cache").iterdir())


def test_a_folder_is_that_of_a_shell_and_stays_where_it_is(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    compilation_cache.enable("~/cache")
    compute()
    assert list((tmp_path / "home/cache").iterdir())
    monkeypatch.chdir(tmp_path)
    compilation_cache.enable("here")
    assert jax.config.values["jax_compilation_cache_dir"] == str(tmp_path / "here")
    # One in a cloud is handed on as it is.
    compilation_cache.enable("gs://bucket/~")
    assert jax.config.values["jax_compilation_cache_dir"] == "gs://bucket/~"


def test_a_corrupted_entry_is_reported_and_compiled_until_the_folder_is_deleted(tmp_path):
    """JAX never overwrites an entry."""
    compilation_cache.enable(str(tmp_path / "cache"))
    compute()
    for path in (tmp_path / "cache").iterdir():
        path.write_bytes(path.read_bytes()[:20])
    for _ in range(2):
        with pytest.warns(UserWarning, match="Error reading persistent compilation cache entry"):
            assert compute() == 3
    shutil.rmtree(tmp_path / "cache")
    compilation_cache.enable(str(tmp_path / "cache"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert compute() == compute() == 3
    assert list((tmp_path / "cache").iterdir())


def test_what_cannot_be_written_is_reported_and_compiled(tmp_path):
    compilation_cache.enable(str(tmp_path / "cache"))
    compute()
    shutil.rmtree(tmp_path / "cache")
    with pytest.warns(UserWarning, match="Error writing persistent compilation cache entry"):
        assert compute() == 3


def test_a_folder_that_cannot_be_made_is_reported_and_the_run_continues(tmp_path, capsys):
    (tmp_path / "file").touch()
    compilation_cache.enable(str(tmp_path / "file/cache"))
    assert "cannot be used" in capsys.readouterr().err
    assert compute() == 3


@pytest.mark.parametrize("off", ["", "none"])
def test_no_cache(tmp_path, monkeypatch, off):
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path / "environment"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "default"))
    compilation_cache.enable(off)
    compute()
    assert not list(tmp_path.iterdir())


def test_where_the_cache_is_by_default(tmp_path, monkeypatch):
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path / "environment"))
    compilation_cache.enable(None)
    assert (tmp_path / "environment").is_dir()
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    compilation_cache.enable(None)
    assert (tmp_path / "edgeconnect_jax").stat().st_mode & 0o777 == 0o700
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert compilation_cache.default_folder() == pathlib.Path.home() / ".cache/edgeconnect_jax"
