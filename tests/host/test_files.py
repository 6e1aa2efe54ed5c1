import pytest

from edgeconnect_jax.host.files import write_whole


def test_files_are_replaced_and_nothing_is_left_beside(tmp_path):
    path = tmp_path / "a.txt"
    write_whole(path, "é")
    write_whole(path, b"second")
    assert path.read_bytes() == b"second"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(OSError):
        write_whole(tmp_path / "a", "text")
    assert [p.name for p in tmp_path.iterdir()] == ["a"]
