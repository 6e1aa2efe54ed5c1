"""Features of pictures without a network."""

import numpy as np


class Extractor:
    """Stands for Inception: the features are noise that depends on the pictures' numbers, [B, 1, 1, 3]."""

    definition, weights_hash, dimension = "noise", "none", 2048

    def used(self, count):
        return count

    def __call__(self, pictures):
        return np.stack([np.random.default_rng(int(p[0, 0, 0])).random(2048, np.float32) for p in pictures])
