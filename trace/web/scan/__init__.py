"""Pages: scan."""
