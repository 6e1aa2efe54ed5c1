"""Losses as pure functions of arrays. Each returns a scalar averaged over its batch."""
