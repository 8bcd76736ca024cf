"""What the lessons measure, a file for each kind of experiment; it needs torch."""
