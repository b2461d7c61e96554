"""Reports on stored records: analysis, tables, plots, the HTML page and model cards."""
