"""Classifiers with one embedding vector per text and a linear head."""
