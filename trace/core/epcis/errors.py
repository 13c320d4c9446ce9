"""What can be wrong with an EPCIS document or event. One class each; `path` is a JSON Pointer.

Everything this package refuses is raised inside one `trace.errors.Refused`, so that a sender sees
all that is wrong with an event at once.
"""

from __future__ import annotations

from typing import ClassVar

from trace.errors import TraceError


class EpcisError(TraceError):
    """Base of what EPCIS input is refused for."""

    code: ClassVar[str] = "epcis"
    message: ClassVar[str] = "This is not valid EPCIS."


class BadJson(EpcisError):
    code = "bad-json"
    message = "This is not JSON: %(problem)s."


class DuplicateKey(EpcisError):
    code = "duplicate-key"
    message = "The member %(name)s is given twice; keep one."


class InexactNumber(EpcisError):
    code = "inexact-number"
    message = "The number %(number)s cannot be kept exactly; give fewer digits or write it as text."


class TooDeep(EpcisError):
    code = "too-deep"
    message = "The document is nested deeper than %(limit)d levels."


class TooManyNamespaces(EpcisError):
    code = "too-many-namespaces"
    status = 413
    message = "There are more than %(limit)d namespaces."


class TooManyEvents(EpcisError):
    code = "too-many-events"
    status = 413
    message = "The document has %(count)d events; at most %(limit)d are taken at once."


class NotADocument(EpcisError):
    code = "not-epcis"
    message = "Expected an EPCISDocument, an EPCISQueryDocument or one event."


class UnknownEventType(EpcisError):
    code = "unknown-event-type"
    message = "%(value)s is not one of the five EPCIS event types."


class MissingMember(EpcisError):
    code = "missing-member"
    message = "The member %(name)s is required here."


class UnknownMember(EpcisError):
    code = "unknown-member"
    message = "The member %(name)s is not part of EPCIS; extensions need a declared prefix."


class WrongType(EpcisError):
    code = "wrong-type"
    message = "Expected %(expected)s here."


class WrongCount(EpcisError):
    code = "wrong-count"
    message = "The list here is empty or repeats an element."


class BadTime(EpcisError):
    code = "bad-date-time"
    message = "Expected a date and time with its time zone, such as 2026-11-22T08:00:00+07:00."


class BadOffset(EpcisError):
    code = "bad-time-zone-offset"
    message = "Expected a time zone offset such as +07:00, from -14:00 to +14:00."


class UnknownWord(EpcisError):
    code = "unknown-word"
    message = (
        "%(value)s is not a word of the standard's vocabulary for %(field)s, nor a full address."
    )


class BadUri(EpcisError):
    code = "bad-uri"
    message = "Expected an address (URI) here, not a bare word."


class BadUom(EpcisError):
    code = "bad-unit"
    message = "Expected a unit code of two or three capitals or digits, such as KGM."


class BadValue(EpcisError):
    code = "bad-member-value"
    message = "The value here is not allowed by the standard."


class ZeroCharacter(EpcisError):
    code = "zero-character"
    message = "A text cannot hold the character U+0000."


class BadContext(EpcisError):
    code = "bad-context"
    message = "The @context must be an address, an object of prefixes, or a list of these."


class UndeclaredPrefix(EpcisError):
    code = "undeclared-prefix"
    message = "The prefix %(prefix)s of the member %(name)s is not declared in @context."


class ReservedName(EpcisError):
    code = "reserved-name"
    message = "The name %(name)s is reserved and cannot be used in an event."


class BadOwnMember(EpcisError):
    code = "bad-own-member"
    message = "The member %(name)s does not hold what our vocabulary says."


class NothingNamed(EpcisError):
    code = "nothing-named"
    message = "The event names no thing it is about (%(members)s)."


class MissingParent(EpcisError):
    code = "missing-parent"
    message = "The member parentID is required unless the action is OBSERVE."


class IlmdNotAllowed(EpcisError):
    code = "ilmd-not-allowed"
    message = "Master data (ilmd) can be given only when things are created (action ADD)."


class EventInFuture(EpcisError):
    code = "event-in-future"
    message = "The time %(time)s lies in the future."


class TooEarly(EpcisError):
    code = "time-too-early"
    message = "The time %(time)s lies before 1900; nothing that old is recorded."


class SensorAfterEvent(EpcisError):
    code = "sensor-after-event"
    message = "The sensor time %(time)s is later than the event time."


class NegativeQuantity(EpcisError):
    code = "quantity-below-zero"
    message = "A quantity cannot be below zero."


class NotHashable(EpcisError):
    code = "not-hashable"
    message = "No event hash can be computed for this event."
