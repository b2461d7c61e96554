"""Strategies that change the model before it is trained on labels."""
