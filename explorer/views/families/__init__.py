"""The families of models: each at work, all compared on equal terms."""
