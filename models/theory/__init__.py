"""Closed forms and small exact experiments."""
