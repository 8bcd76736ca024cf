"""The audit of a model as one page of HTML."""
