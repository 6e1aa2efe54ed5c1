"""Measuring how well holes are filled: what is measured, on which pictures, and how it is reported."""
