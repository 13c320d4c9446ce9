"""Use cases: one noun a file, verbs as functions; the actor first, never a commit."""
