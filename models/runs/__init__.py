"""Run folders: made, trained, labelled, scored."""
