import pytest

from edgeconnect_jax.host.files import replaced, write_whole


def test_files_are_replaced_and_nothing_is_left_beside(tmp_path):
    path = tmp_path / "a.txt"
    write_whole(path, "é")
    write_whole(path, b"second", durable=True)
    assert path.read_bytes() == b"second"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(OSError):
        write_whole(tmp_path / "a", "text")
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    def fill(part, fails):
        part.mkdir()
        (part / "one").touch()
        assert not fails

    with pytest.raises(AssertionError), replaced(tmp_path / "a") as part:
        fill(part, fails=True)
    assert not list(tmp_path.iterdir())
    with replaced(tmp_path / "a") as part:
        fill(part, fails=False)
    assert [p.relative_to(tmp_path).as_posix() for p in sorted(tmp_path.rglob("*"))] == ["a", "a/one"]


def test_a_name_may_be_as_long_as_names_can_be(tmp_path):
    path = tmp_path / ("a" * 255)
    write_whole(path, "text")
    assert path.read_text() == "text"
