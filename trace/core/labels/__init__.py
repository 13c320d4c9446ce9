"""A payload as a QR matrix, and that as SVG, PNG and PDF sheets."""
