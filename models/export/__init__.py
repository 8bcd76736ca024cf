"""A model as bytes for the browser."""
