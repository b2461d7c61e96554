"""What a run leaves behind: its record, cost, history and predictions."""
