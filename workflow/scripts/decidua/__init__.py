"""Decidua's library: plain functions on DataFrames, with no Snakemake in them."""
