"""Postprocessors: what is done with a classifier's scores."""
