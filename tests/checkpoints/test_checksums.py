"""Checksums find whatever has changed."""

import json

import pytest

from edgeconnect_jax.checkpoints import checksums


@pytest.fixture
def folder(tmp_path):
    for name, content in (("a/one", b"1234"), ("a/b/two", b""), ("c/three", b"\0" * 5000), ("notes", b"x")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    checksums.write(tmp_path, left_out=("notes",))
    return tmp_path


def test_what_was_written_is_whole(folder):
    assert checksums.problems(folder) == []
    files = json.loads((folder / checksums.FILE).read_text())["files"]
    assert sorted(files) == ["a/b/two", "a/one", "c/three"]
    # The first digits of the SHA-256 of "1234", as sha256sum prints them.
    assert files["a/one"]["sha256"].startswith("03ac674216f3e15c761ee1a5e255f067") and files["a/one"]["size"] == 4
    (folder / "notes").unlink()
    assert checksums.problems(folder) == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda path: path.unlink(), "it is missing"),
        (lambda path: path.write_bytes(b"123"), "it has 3 bytes, 4 were written"),
        (lambda path: path.write_bytes(b"1235"), "its SHA-256 is not that of what was written"),
    ],
)
def test_what_has_changed_is_named(folder, change, reason):
    change(folder / "a/one")
    assert checksums.problems(folder) == [("a/one", reason)]
    assert checksums.problems(folder, ("a",)) and not checksums.problems(folder, ("c",))


@pytest.mark.parametrize("content", [b"{", b"[]", b"{}", b"\xff", b'{"files": 3}', b'{"files": {"a/one": {}}}', None])
def test_corrupted_checksums_are_a_problem(folder, content):
    (folder / checksums.FILE).unlink()
    if content is not None:
        (folder / checksums.FILE).write_bytes(content)
    ((file, reason),) = checksums.problems(folder)
    assert file == checksums.FILE and reason.startswith("it")


def test_written_again_they_are_those_of_now(folder):
    (folder / "a/one").write_bytes(b"other")
    checksums.write(folder)
    assert checksums.problems(folder) == []
    assert not list(folder.glob(".*"))
