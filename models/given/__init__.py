"""Codes that come without a model: an archive of arrays from any framework or paper."""
