"""Codes of a test set as arrays: planes, samples, t-SNE."""
