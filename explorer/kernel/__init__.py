"""A notebook’s side of the live map, and the process that makes it."""
