"""Baselines: what a transformer has to beat."""
