"""Strategies that plan training: phases, learning rates by depth, decisions between epochs."""
