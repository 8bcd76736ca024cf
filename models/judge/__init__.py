"""The judge: a small classifier for each data set, whose features compare drawn images."""
