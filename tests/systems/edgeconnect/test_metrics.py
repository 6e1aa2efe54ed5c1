import numpy as np

from edgeconnect_jax.systems.edgeconnect.metrics import edge_counts


def test_counts_only_edges_of_the_hole_above_the_threshold(rng):
    output = rng.random((3, 8, 8, 1)).astype(np.float32)
    truth = (rng.random((3, 8, 8, 1)) > 0.7).astype(np.float32)
    mask = (rng.random((3, 8, 8, 1)) > 0.5).astype(np.float32)
    counts = edge_counts(output, truth, mask, 0.4)
    for i in range(3):
        said, true, hole = output[i] > 0.4, truth[i] > 0, mask[i] > 0
        assert counts.hits[i] == (said & true & hole).sum()
        assert counts.predicted[i] == (said & hole).sum()
        assert counts.true[i] == (true & hole).sum()
