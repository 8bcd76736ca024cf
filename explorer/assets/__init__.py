"""Files that the browser fetches by address."""
