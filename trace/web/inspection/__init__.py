"""Pages: inspection."""
