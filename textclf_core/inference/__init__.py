"""Saved models: saving, loading, prediction, export and publishing."""
