"""Signing in and out, registering, one's own account."""

from trace.web.auth.account import blueprint as account
from trace.web.auth.views import blueprint as auth

__all__ = ["account", "auth"]
