"""Classifiers on one vector a text: an encoder's embeddings, and a linear head on them."""
