"""The results of a run: its record, cost, history and predictions."""
