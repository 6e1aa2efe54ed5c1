"""Sides in processes of their own, with memory of their own, and heard when they die."""

import numpy as np
import pytest

from benchmarks import processes, worker
from benchmarks.cases import Case


def test_peak_memory_is_in_bytes_and_never_falls():
    before = worker.peak_memory()
    block = np.ones(max(0, before // 8) + 2**25)  # 256 MiB more than there ever was
    most = max(before, block.nbytes)
    assert worker.peak_memory() > most
    del block
    assert worker.peak_memory() > most


def test_a_process_that_dies_is_told(tmp_path, capfd):
    with (
        pytest.raises(RuntimeError, match="the process of ours ended with status 1"),
        processes.workers(Case("fill", 30, 1, features=4, residual_blocks=1), tmp_path, 1, ()),
    ):
        pass
    assert "TypeError" in capfd.readouterr().err  # 30 is no multiple of 4
