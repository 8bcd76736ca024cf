"""How good generated images are: distances of sets, coverage, classes and copies."""
