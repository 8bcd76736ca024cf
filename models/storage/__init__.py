"""Checked safetensors files, model cards, checkpoints."""
