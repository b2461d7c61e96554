"""Strategies that replace a part of the training steps: rows, gradient, optimizer, schedule."""
