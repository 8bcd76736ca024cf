"""How well codes tell the known factors of images apart, by the scores of the literature."""
