"""The audit: every printed number of a paper, recomputed from the others, with a verdict."""
