"""Runs the command that converts published weights."""

import pathlib

import jax
import numpy as np

from scripts import convert_torch_ckpt


def run(*arguments):
    return convert_torch_ckpt.main([str(argument) for argument in arguments])


def refused(capsys, *arguments):
    """Runs the command, which must fail as documented and leave nothing behind; returns its message."""
    output = pathlib.Path(arguments[arguments.index("--output") + 1])
    before = sorted(output.parent.iterdir()) if output.parent.exists() else []
    assert run(*arguments) == 2
    captured = capsys.readouterr()
    assert not captured.out and captured.err.startswith("convert_torch_ckpt: ")
    assert (sorted(output.parent.iterdir()) if output.parent.exists() else []) == before
    return captured.err.removeprefix("convert_torch_ckpt: ")


def assert_same(found, wanted):
    assert jax.tree.structure(found) == jax.tree.structure(wanted)
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
        np.testing.assert_array_equal(np.asarray(one), other)
