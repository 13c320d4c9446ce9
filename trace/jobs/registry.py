"""The modules whose import registers job handlers."""

from __future__ import annotations

from importlib import import_module

MODULES = (
    "trace.jobs.handlers",
    "trace.jobs.captures",
    "trace.jobs.sheets",
    "trace.jobs.imports",
    "trace.jobs.exports",
    "trace.jobs.approvals",
    "trace.jobs.messages",
    "trace.jobs.closings",
    "trace.jobs.news",
    "trace.jobs.recalls",
    "trace.jobs.follows",
    "trace.jobs.weekly",
    "trace.jobs.directives",
    "trace.jobs.scheduled_reports",
    "trace.jobs.risks",
    "trace.jobs.papers",
    "trace.jobs.portal",
    "trace.jobs.links",
    "trace.jobs.sensors",
    "trace.jobs.files",
)


def load_handlers() -> None:
    """Imports every module of handlers (registering twice is registering once)."""
    for module in MODULES:
        import_module(module)
