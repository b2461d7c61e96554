"""Comparisons as one self-contained HTML page."""

from textclf_core.reports.page.document import page_text, write_page

__all__ = ["page_text", "write_page"]
