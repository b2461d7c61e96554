"""Prediction with onnxruntime instead of torch: export, quantisation, and how far the two agree."""
