"""Recalls, holds and advice as cases; `signing` puts them on record, `reaching` says whom they reach."""
