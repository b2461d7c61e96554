"""Strategies that change training over time: phases, learning rates by depth, decisions between epochs."""
