"""Trace: a history for farm produce that nobody can quietly rewrite."""

__version__ = "0.1.0"
