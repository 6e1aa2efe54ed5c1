import doctest

from edgeconnect_jax import evaluation


def test_the_example_of_the_docstring_runs():
    results = doctest.testmod(evaluation)
    assert results.attempted > 10 and not results.failed
