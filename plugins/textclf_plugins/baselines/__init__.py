"""Baselines that fine-tuned models are compared with."""
