"""Recalls, holds and advice as cases: whom they reach, who decides, who answers what."""
