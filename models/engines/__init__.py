"""Engines: they do work elsewhere, in other processes."""
