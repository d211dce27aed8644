"""Figures, drawn once: as PNG and PDF for papers, and as SVG that takes the page's colours and tells its numbers."""
