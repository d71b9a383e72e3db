"""Figures, a module a chapter: each draws one tidy table and computes nothing.

Every figure is a pair: `x_source` picks the rows that are shown, in their order (the CSV beside the picture),
and `plot_x` draws those rows and nothing else.
"""
