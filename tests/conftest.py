"""JAX as the tests want it (eight CPU devices, strict, compiled programs shared), and small real pictures."""

import gc
import os
import pathlib
import shutil
import sys
import tempfile
from collections.abc import Iterator

# Before jax is imported, here or in a child process: child processes inherit all of this.
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["XLA_FLAGS"] = " ".join(
    (
        os.environ.get("XLA_FLAGS", ""),
        "--xla_force_host_platform_device_count=8",
        # Networks are narrow here and run once or twice: it is compiling that takes the time. Code generators of XLA's
        # without MLIR compile a training step in a third of it.
        "--xla_backend_optimization_level=0",
        "--xla_llvm_disable_expensive_passes=true",
        "--xla_cpu_use_fusion_emitters=false",
    )
)
OWN_CACHE = ""
if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
    os.environ["JAX_COMPILATION_CACHE_DIR"] = OWN_CACHE = tempfile.mkdtemp(prefix="edgeconnect_jax_")
if "PYTEST_XDIST_WORKER" in os.environ:  # a folder each, because JAX writes where others may be reading
    cache = pathlib.Path(os.environ["JAX_COMPILATION_CACHE_DIR"], os.environ["PYTEST_XDIST_WORKER"])
    os.environ["JAX_COMPILATION_CACHE_DIR"] = str(cache)
os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"

import jax
import numpy as np
import pytest
import skimage.data
from absl import flags
from PIL import Image

from tests.synthetic import picture

jax.config.update("jax_numpy_rank_promotion", "raise")
# grain's worker processes read absl's flags, which only a command parses.
flags.FLAGS.mark_as_parsed()

_MOST_PROCESSES = 4  # each takes up to 4 GiB
_MOST_MAPPINGS = 5_000
PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "rocket")


def pytest_xdist_auto_num_workers() -> int:
    """How many processes share the tests: one for each core that this one may use, up to a limit."""
    return min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2, _MOST_PROCESSES)


def pytest_sessionfinish() -> None:
    """Remove this session's compiled programs (those of a directory given from outside stay)."""
    if OWN_CACHE:
        shutil.rmtree(OWN_CACHE, ignore_errors=True)


@pytest.fixture(scope="module", autouse=True)
def release_programs() -> Iterator[None]:
    """Release the compiled programs after a file of tests if they are many.

    They take memory, gigabytes after some files; and each keeps some of it mapped, so that thousands of them in one
    process reach the system's limit on mappings (vm.max_map_count, 65530), which ends in a segmentation fault.
    """
    yield
    if _mappings() > _MOST_MAPPINGS:
        jax.clear_caches()
        gc.collect()


def _mappings() -> int:
    """How many mappings of memory this process has; sys.maxsize where the system does not report it."""
    try:
        return pathlib.Path("/proc/self/maps").read_bytes().count(b"\n")
    except OSError:
        return sys.maxsize


def write_photographs(folder: pathlib.Path, height: int, width: int) -> pathlib.Path:
    """Write PHOTOGRAPHS to `folder` as PNG files of height x width pixels, and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in PHOTOGRAPHS:
        photograph = Image.fromarray(getattr(skimage.data, name)())
        photograph.resize((width, height), Image.Resampling.BILINEAR).save(folder / f"{name}.png")
    return folder


def write_masks(folder: pathlib.Path, height: int, width: int) -> pathlib.Path:
    """Write a mask (255 = hole) for each of PHOTOGRAPHS to `folder` as PNG, and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed, name in enumerate(PHOTOGRAPHS):
        _, mask = picture(seed, height, width)
        Image.fromarray(mask).save(folder / f"{name}.png")
    return folder


@pytest.fixture(scope="session")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A folder with four of scikit-image's photographs, 64 high and 80 wide. Read only."""
    return write_photographs(tmp_path_factory.mktemp("photographs"), 64, 80)


@pytest.fixture(scope="session")
def photograph_masks(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A folder with a mask for each of `photographs`, of the same names and sizes. Read only."""
    return write_masks(tmp_path_factory.mktemp("masks"), 64, 80)


@pytest.fixture
def rng() -> np.random.Generator:
    """A generator of random numbers that starts the same in every test."""
    return np.random.default_rng(0)
