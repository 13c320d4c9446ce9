"""Refusals of label printing."""

from __future__ import annotations

from trace.errors import TraceError


class LabelError(TraceError):
    """Base of everything `trace.core.labels` refuses."""

    code = "label"
    message = "This label cannot be printed."


class TextTooLong(LabelError):
    code = "code-too-long"
    message = "A text of %(length)d characters does not fit into one code."


class CodeTooSmall(LabelError):
    code = "code-too-small"
    message = (
        "On labels %(layout)s one module of this code would be %(module)s mm wide;"
        " phones need at least %(least)s mm. Choose larger labels."
    )


class TextDoesNotFit(LabelError):
    code = "text-does-not-fit"
    message = "Name, lot, weight and dates do not fit on labels %(layout)s. Choose larger labels."


class NoLabels(LabelError):
    code = "no-labels"
    message = "There is nothing to print."


class BadFont(LabelError):
    code = "bad-font"
    message = "The font is not a TrueType font that can be embedded."


class BadLayout(LabelError):
    code = "bad-layout"
    message = "The labels of layout %(layout)s do not fit on its page."
