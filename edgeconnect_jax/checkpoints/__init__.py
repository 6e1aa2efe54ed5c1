"""Checkpoints: what they hold, where they lie, and whether they are as they were written."""
