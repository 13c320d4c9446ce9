"""Pages: resolver."""
