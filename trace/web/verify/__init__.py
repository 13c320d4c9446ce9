"""The page that checks a bundle in the reader's own browser: nothing chosen there is sent here."""

from trace.web.verify.views import bp

__all__ = ["bp"]
