"""Postprocessors of a classifier's scores."""
