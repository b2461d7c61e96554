"""Observers that log runs to experiment trackers."""
