"""The cache on disk that runs share: rows that are slow to compute and equal in every run that computes them."""

from textclf_core.cache.folder import CacheFolder, StoreInfo
from textclf_core.cache.rows import RowStore

__all__ = ["CacheFolder", "RowStore", "StoreInfo"]
