"""Which files of a folder are read, and for which networks."""

import pytest

from edgeconnect_jax.importers import archives
from edgeconnect_jax.importers.archives import Archive
from tests.importers.boxes import BOXES


def test_networks_share_a_file(tmp_path):
    (tmp_path / "latest_box.npz").touch()
    (tmp_path / "notes.txt").touch()
    assert archives.find(tmp_path, [BOXES]) == [Archive(BOXES, ("drawer", "judge"), (tmp_path / "latest_box.npz",))]


def test_the_first_pattern_with_a_file_counts(tmp_path):
    for name in ("1_box.npz", "2_box.npz", "best.npz"):
        (tmp_path / name).touch()
    assert [source.paths for source in archives.find(tmp_path, [BOXES])] == [(tmp_path / "best.npz",)]
    assert [path.name for path in archives.similar(tmp_path, [BOXES])] == ["1_box.npz", "2_box.npz", "best.npz"]


def test_several_files_of_one_network_are_refused(tmp_path):
    for name in ("1_box.npz", "2_box.npz"):
        (tmp_path / name).touch()
    with pytest.raises(ValueError, match=r"which of 1_box\.npz, 2_box\.npz is drawer\? Move the others"):
        archives.find(tmp_path, [BOXES])


def test_a_link_that_leads_nowhere_is_found(tmp_path):
    (tmp_path / "best.npz").symlink_to(tmp_path / "nothing")
    assert archives.find(tmp_path, [BOXES])[0].paths == (tmp_path / "best.npz",)


def test_a_folder_without_any_is_refused(tmp_path):
    (tmp_path / "other.npz").touch()
    with pytest.raises(ValueError, match=r"it holds none of best\.npz, \*_box\.npz; it holds other\.npz"):
        archives.find(tmp_path, [BOXES])
    with pytest.raises(ValueError, match="no such folder"):
        archives.find(tmp_path / "none", [BOXES])
