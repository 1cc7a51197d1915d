"""The charts of the report, as positions and as SVG."""
