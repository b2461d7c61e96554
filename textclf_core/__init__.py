"""The engine of textclf."""
