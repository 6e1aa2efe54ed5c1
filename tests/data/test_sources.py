"""Where pictures come from, and what is said when they do not."""

import io
import pathlib
import pickle

import numpy as np
import pytest
import skimage.data
import tensorflow_datasets as tfds
from array_record.python.array_record_module import ArrayRecordWriter
from PIL import Image

from edgeconnect_jax.data import sources
from tests.conftest import PHOTOGRAPHS


def _write_tfds(folder: pathlib.Path, feature: str = "image", form: str = "png") -> np.ndarray:
    """A prepared TFDS set called "small" of two 8 x 12 pictures, which are returned."""
    home = folder / "small" / "1.0.0"
    home.mkdir(parents=True)
    pictures = np.random.default_rng(0).integers(0, 256, (2, 8, 12, 3), np.uint8)
    if form == "array":
        column = tfds.features.Tensor(shape=(8, 12, 3), dtype=np.uint8)
    else:
        column = tfds.features.Image(shape=(8, 12, 3), encoding_format=form)
    features = tfds.features.FeaturesDict({feature: column})
    writer = ArrayRecordWriter(str(home / "small-train.array_record-00000-of-00001"), "group_size:1")
    for picture in pictures:
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, "PNG")
        writer.write(features.serialize_example({feature: picture if form == "array" else buffer.getvalue()}))
    writer.close()
    split = tfds.core.SplitInfo(name="train", shard_lengths=[2], num_bytes=1)
    tfds.folder_dataset.write_metadata(data_dir=home, features=features, split_infos=[split], check_data=False)
    return pictures


def test_folder(photographs: pathlib.Path) -> None:
    source = sources.open_source(str(photographs))
    assert [pathlib.Path(source.name(i)).stem for i in range(len(source))] == sorted(PHOTOGRAPHS)
    for index in range(len(source)):
        np.testing.assert_array_equal(source[index], np.array(Image.open(source.name(index))))


def test_one_picture(photographs: pathlib.Path) -> None:
    source = sources.open_source(str(photographs / "coffee.png"))
    assert len(source) == 1 and source[0].shape == (64, 80, 3)


def test_file_list_keeps_its_order_and_starts_from_its_own_folder(
    photographs: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    (tmp_path / "here").symlink_to(photographs)
    (tmp_path / "some.FLIST").write_text(f"here/rocket.png\r\n\n{photographs}/astronaut.png\n")
    source = sources.open_source(str(tmp_path / "some.FLIST"))
    assert [pathlib.Path(source.name(i)).name for i in range(len(source))] == ["rocket.png", "astronaut.png"]


def test_entries_of_a_list_are_looked_for_in_its_folder_then_in_the_current_one(
    photographs: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("lists", "current"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "both.png").symlink_to(photographs / "rocket.png")
    (tmp_path / "current/here.png").symlink_to(photographs / "coffee.png")
    (tmp_path / "lists/some.txt").write_text("both.png\nhere.png\n")
    monkeypatch.chdir(tmp_path / "current")
    expected = [tmp_path / "lists/both.png", tmp_path / "current/here.png"]
    assert sources.list_files("../lists/some.txt")[0].resolve() == expected[0].resolve()
    assert sources.list_files(tmp_path / "lists/some.txt") == expected
    (tmp_path / "lists/some.txt").write_text("gone.png\n")
    with pytest.raises(ValueError, match=r"folder .*lists and in the current folder .*current\):\ngone.png"):
        sources.list_files(tmp_path / "lists/some.txt")


def test_a_list_names_every_missing_file(photographs: pathlib.Path, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "photos.txt"
    path.write_text(f"one.png\n{photographs}/coffee.png\ntwo.png\n")
    with pytest.raises(ValueError, match=r"photos.txt: 2 of 3(.|\n)*one.png\n.*two.png"):
        sources.list_files(path)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("empty.txt", b"\n \n", "an empty file list"),
        ("photos.csv", b"a.png", "neither a picture nor a file list"),
        ("latin.txt", b"caf\xe9.png", "UTF-8"),
        ("absent.txt", None, "no such folder or file list"),
    ],
)
def test_what_is_no_list(name: str, content: bytes | None, reason: str, tmp_path: pathlib.Path) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=f"{name}.*{reason}"):
        sources.open_source(str(tmp_path / name))


def test_nothing_given() -> None:
    with pytest.raises(ValueError, match="no pictures given"):
        sources.open_source("")


def test_skimage_photographs() -> None:
    train, validation = sources.open_source("skimage:train"), sources.open_source("skimage:validation")
    np.testing.assert_array_equal(train[0], skimage.data.astronaut())
    assert {tuple(np.shape(train[i])[2:]) for i in range(len(train))} == {(3,)}
    colourful = [validation[i] for i in range(len(validation))]
    assert len(colourful) >= 2 and all(np.ptp(x.astype(int), axis=-1).max() > 50 for x in colourful)
    scenes = [
        {s.name(i).rsplit("/")[-1].split("_")[0].split(".")[0] for i in range(len(s))} for s in (train, validation)
    ]
    assert not scenes[0] & scenes[1]
    with pytest.raises(ValueError, match="known: skimage:train, skimage:validation"):
        sources.open_source("skimage:test")


@pytest.mark.parametrize("form", ["png", "array"])
def test_tfds(form: str, tmp_path: pathlib.Path) -> None:
    pictures = _write_tfds(tmp_path, form=form)
    source = sources.open_source("tfds:small", str(tmp_path))
    assert len(source) == 2 and source.name(1) == "tfds:small:train[1]"
    np.testing.assert_array_equal([source[0], source[1]], pictures)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(source))[1], pictures[1])


def test_tfds_splits(tmp_path: pathlib.Path) -> None:
    pictures = _write_tfds(tmp_path)
    np.testing.assert_array_equal(sources.open_source("tfds:small:train[1:]", str(tmp_path))[0], pictures[1])
    for spec, split in (("tfds:small:test", "train"), ("tfds:small", "test")):
        with pytest.raises(ValueError, match=r"has no split 'test'.*tfds:small:train"):
            sources.open_source(spec, str(tmp_path), split)


def test_tfds_says_what_is_missing(tmp_path: pathlib.Path) -> None:
    _write_tfds(tmp_path, feature="photo")
    with pytest.raises(ValueError, match='no feature "image"'):
        sources.open_source("tfds:small", str(tmp_path))
    with pytest.raises(ValueError, match=r"not prepared in .*tfds build celeb_a --file_format=array_record"):
        sources.open_source("tfds:celeb_a", str(tmp_path))
    with pytest.raises(ValueError, match="tfds:no_such_set: TFDS cannot open it"):
        sources.open_source("tfds:no_such_set", str(tmp_path))


def test_identity_changes_with_the_files(tmp_path: pathlib.Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    before = sources.open_source(str(tmp_path)).identity(0)
    Image.effect_noise((64, 64), 50).save(tmp_path / "a.png")
    assert before != sources.open_source(str(tmp_path)).identity(0)
