"""Refusals that schemas and services share: a value that is not there, a choice not made, a time
still to come."""

from __future__ import annotations

from trace.errors import TraceError


class FieldMissing(TraceError):
    code = "field-missing"
    message = "Enter this."


class NothingChosen(TraceError):
    code = "nothing-chosen"
    message = "Choose at least one."


class FutureTime(TraceError):
    code = "future-time"
    message = "%(text)s is still to come; only what has happened is recorded."
