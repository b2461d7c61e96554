"""What saved models are written as, and what computes their predictions."""
