"""Runs over a grid of β, seeds and latent dimensions."""
