"""The plane of codes of a model without an encoder."""
