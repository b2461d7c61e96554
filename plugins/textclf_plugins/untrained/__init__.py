"""Classifiers that need no training on the data."""
