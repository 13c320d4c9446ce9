"""Pages: producer."""
