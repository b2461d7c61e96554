"""Contenders on the same splits and seeds: laid out as cells, run, and kept."""
