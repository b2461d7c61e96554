"""Comparisons: contenders on the same splits and seeds, run cell by cell."""
