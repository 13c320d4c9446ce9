"""Pages: log."""
