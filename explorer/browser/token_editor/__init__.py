"""The editor of tokens."""
