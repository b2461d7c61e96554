"""What runs share on disk: rows that cost time to compute and are the same whoever computes them."""

from textclf_core.cache.folder import CacheFolder, StoreInfo, default_cache_directory
from textclf_core.cache.rows import RowStore

__all__ = ["CacheFolder", "RowStore", "StoreInfo", "default_cache_directory"]
