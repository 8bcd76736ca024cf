"""One module per screen or part of one: title, controls, one call, show, empty states."""
