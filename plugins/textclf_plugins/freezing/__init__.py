"""Freezing strategies."""
