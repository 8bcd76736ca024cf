"""Inputs that own their state, and pictures."""
