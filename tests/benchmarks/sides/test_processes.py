"""Sides in processes of their own, with memory of their own, and heard when they die."""

import json
import pathlib
import subprocess
import sys

import pytest

from benchmarks.sides import processes
from benchmarks.sides.edgeconnect.cases import Case


def test_peak_memory_is_in_bytes_and_never_falls():
    # In a process of its own, whose memory is not yet that of a test session.
    script = """
import json
from benchmarks.sides.worker import peak_memory
found = [peak_memory()]
block = bytearray(b"x" * 2**26)
found.append(peak_memory())
del block
print(json.dumps([*found, peak_memory()]))
"""
    root = pathlib.Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True)
    before, most, after = json.loads(done.stdout)
    assert before + 2**26 <= most <= after
    assert most < 2**30  # of a process that holds NumPy and 128 MiB


def test_a_process_that_dies_is_told(tmp_path, capfd):
    with (
        pytest.raises(RuntimeError, match="the process of ours ended with status 1"),
        processes.workers(Case("fill", 30, 1, features=4, residual_blocks=1), tmp_path, 1, ()),
    ):
        pass
    assert "TypeError" in capfd.readouterr().err  # 30 is no multiple of 4
