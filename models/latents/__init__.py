"""Codes of a test set as arrays: planes, t-SNE, neighbours."""
