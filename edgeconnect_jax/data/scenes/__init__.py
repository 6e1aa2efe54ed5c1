"""Drawn street scenes: pictures, label maps and instance maps in any number and at any size, without a download.

`compose` invents a scene from a seed, in vectors; `draw` turns it into arrays; `source` makes a set of pictures of
them, as "scenes:train". The same index gives the same arrays on every machine: random numbers come from PCG64's raw
output, and pixels from integer arithmetic.
"""
