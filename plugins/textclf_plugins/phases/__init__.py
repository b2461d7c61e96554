"""Strategies that have a say in the course of training: phases, learning rates by depth, decisions between epochs."""
