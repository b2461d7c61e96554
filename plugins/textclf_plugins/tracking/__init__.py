"""Observers: runs in the trackers that people have."""
