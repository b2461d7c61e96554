"""Contenders on the same splits and seeds: which strategy, at what cost, and is the difference real?"""
