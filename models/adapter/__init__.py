"""A trained model from the user’s own Python file."""
