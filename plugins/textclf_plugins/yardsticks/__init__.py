"""Yardsticks: what a transformer has to beat."""
