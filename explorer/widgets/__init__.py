"""Inputs that own their state, text made safe, pictures, and uploads."""
