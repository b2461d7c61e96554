"""Folders behind URLs, such as ``s3://bucket/runs``: read, written whole or not at all, and leased."""
