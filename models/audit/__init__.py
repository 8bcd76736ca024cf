"""An audit of a model: what was measured, which faults that names, what would change it."""
