"""Prediction with onnxruntime instead of torch: export, quantisation, and agreement of the scores."""
