"""Printed addresses: GS1 Digital Link and our own codes."""

from trace.web.resolver.views import bp

__all__ = ["bp"]
