"""SQLAlchemy models: one noun a file; the tables are the nouns."""
