"""The training loop, and what may change while it runs."""
