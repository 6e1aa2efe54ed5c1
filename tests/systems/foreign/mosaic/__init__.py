"""A small system for the tests: a label map and an exemplar in, a picture in the exemplar's colours out.

It is found by its folder alone; no shared code and no other test knows it.
"""
