"""A small system's page for the tests: the part of a picture under a mask becomes its negative. No networks."""
