"""Losses as pure functions of arrays. Each returns a scalar, the mean over the batch it is given."""
