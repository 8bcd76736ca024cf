"""Scripts that run in the browser, and their components."""
