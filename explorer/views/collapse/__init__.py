"""The Collapse page."""
