"""Prepared sets, whose records are computed once and stored."""
