"""Refusals of identifiers: one class per rule of the GS1 General Specifications, the Digital
Link URI syntax and our own codes. `params["ai"]` names the application identifier; `path` is
left to the caller, who knows the field or the place in the document.
"""

from __future__ import annotations

from trace.errors import TraceError


class Gs1Error(TraceError):
    """Base of everything `trace.core.gs1` refuses."""

    code = "gs1"
    message = "This identifier cannot be read."


class NotALink(Gs1Error):
    code = "not-a-link"
    message = "This is not a web address with a path."


class UriTooLong(Gs1Error):
    code = "uri-too-long"
    message = "The address has %(length)d characters; at most %(limit)d are read."


class BadScheme(Gs1Error):
    code = "bad-scheme"
    message = "The address must begin with http:// or https://."


class MixedScheme(Gs1Error):
    code = "mixed-scheme"
    message = "The scheme “%(scheme)s” mixes capital and small letters."


class BadHost(Gs1Error):
    code = "bad-host"
    message = "The host name “%(host)s” holds a character that host names may not have."


class TrailingSlash(Gs1Error):
    code = "trailing-slash"
    message = "The address ends in a slash."


class UnknownKey(Gs1Error):
    code = "no-primary-key"
    message = "No GS1 primary key was found in the path."


class UnknownIdentifier(Gs1Error):
    code = "unknown-identifier"
    message = "(%(ai)s) is not a known application identifier."


class OddSegments(Gs1Error):
    code = "odd-segments"
    message = "After the key every part of the path must be a qualifier and its value."


class BadQualifier(Gs1Error):
    code = "bad-qualifier"
    message = "(%(ai)s) does not qualify (%(key)s) here."


class QualifierOrder(Gs1Error):
    code = "qualifier-order"
    message = "(%(ai)s) stands out of order; the order after (%(key)s) is %(order)s."


class AttributeInPath(Gs1Error):
    code = "attribute-in-path"
    message = "(%(ai)s) is an attribute and belongs after the question mark, not in the path."


class QualifierInQuery(Gs1Error):
    code = "qualifier-in-query"
    message = "(%(ai)s) qualifies (%(key)s) and belongs in the path, not after the question mark."


class NotAnAttribute(Gs1Error):
    code = "not-an-attribute"
    message = "(%(ai)s) may not be given as an attribute."


class Repeated(Gs1Error):
    code = "repeated"
    message = "(%(ai)s) is given more than once."


class EmptyValue(Gs1Error):
    code = "empty-value"
    message = "(%(ai)s) has no value."


class BadLength(Gs1Error):
    code = "bad-length"
    message = "(%(ai)s) must have %(expected)s characters; this has %(got)d."


class BadCharacter(Gs1Error):
    code = "bad-character"
    message = "“%(character)s” is not allowed in %(where)s."


class BadPercentEncoding(Gs1Error):
    code = "bad-percent-encoding"
    message = "“%(value)s” is not percent-encoded properly."


class CheckDigit(Gs1Error):
    code = "check-digit"
    message = "The check digit of (%(ai)s) %(value)s is %(got)s; it should be %(expected)s."


class CheckCharacters(Gs1Error):
    code = "check-characters"
    message = "The check characters of (%(ai)s) are %(got)s; they should be %(expected)s."


class CompanyPrefix(Gs1Error):
    code = "company-prefix"
    message = "(%(ai)s) must begin with a GS1 company prefix: at least four digits."


class BadDate(Gs1Error):
    code = "bad-date"
    message = "(%(ai)s) %(value)s is not a date."


class BadTime(Gs1Error):
    code = "bad-time"
    message = "(%(ai)s) %(value)s is not a time of day."


class BadCountry(Gs1Error):
    code = "bad-country"
    message = "(%(ai)s) %(value)s is not a country code of ISO 3166."


class BadCurrency(Gs1Error):
    code = "bad-currency"
    message = "(%(ai)s) %(value)s is not a currency code of ISO 4217."


class BadValue(Gs1Error):
    code = "bad-value"
    message = "(%(ai)s) cannot be %(value)s."


class MissingCompanion(Gs1Error):
    code = "missing-companion"
    message = "(%(ai)s) needs %(needs)s beside it."


class Conflicting(Gs1Error):
    code = "conflicting"
    message = "(%(ai)s) and (%(other)s) may not stand together."


class NotAnElementString(Gs1Error):
    code = "not-an-element-string"
    message = "“%(value)s” does not begin with an application identifier in brackets."


class BadEpcBinary(Gs1Error):
    code = "bad-epc-binary"
    message = "This is not the content of an RFID tag that can be read here (%(reason)s)."


class BadEpc(Gs1Error):
    code = "bad-epc"
    message = "“%(value)s” is not a well-formed EPC of scheme %(scheme)s."


class CodeLength(Gs1Error):
    code = "code-length"
    message = "The code must have %(expected)d characters; this has %(got)d."


class CodeCharacter(Gs1Error):
    code = "code-character"
    message = "“%(character)s” does not occur in our codes."


class CodeCheck(Gs1Error):
    code = "code-check"
    message = "The code %(value)s contains a typing mistake: its last character does not match."


class LotText(Gs1Error):
    code = "lot-text"
    message = (
        "A lot name may have at most 10 of the characters A–Z, 0–9, dot and hyphen;"
        " “%(suggestion)s” would do."
    )


class PrefixLength(Gs1Error):
    code = "prefix-length"
    message = "A GS1 company prefix has 4 to 12 digits; this has %(got)d."


class PrefixNotCompany(Gs1Error):
    code = "prefix-not-company"
    message = "Numbers that begin with %(prefix)s are no company prefix."


class NoNumbersLeft(Gs1Error):
    code = "no-numbers-left"
    message = "All numbers of the prefix %(prefix)s are given out. Register another prefix."
