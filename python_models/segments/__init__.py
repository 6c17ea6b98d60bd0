"""Fit segmenters, assign segments, group products."""
