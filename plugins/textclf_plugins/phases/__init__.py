"""Strategies for the course of training: phases, learning rates by depth, decisions between epochs."""
