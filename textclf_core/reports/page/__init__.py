"""Comparisons as one self-contained HTML page."""

from textclf_core.reports.page.document import PageContent, page_content, page_text, render_page, write_page
from textclf_core.reports.page.running import RunningPart, running_table

__all__ = ["PageContent", "RunningPart", "page_content", "page_text", "render_page", "running_table", "write_page"]
