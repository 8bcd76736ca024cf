"""The lessons as data: texts and verdicts, a file for each topic."""
