"""What can be wrong with a document as XML. Paths are JSON Pointers of the document's JSON twin."""

from __future__ import annotations

from trace.core.epcis.errors import EpcisError


class XmlError(EpcisError):
    """Base of what only XML documents are refused for."""

    code = "xml"
    message = "This is not EPCIS in XML."


class BadXml(XmlError):
    code = "bad-xml"
    message = "This is not well-formed XML: %(problem)s."


class BadEncoding(XmlError):
    code = "bad-encoding"
    message = "The document's characters cannot be read: %(problem)s."


class DtdNotAllowed(XmlError):
    code = "dtd-not-allowed"
    message = "A document type definition (DTD) with declarations or an address is not read."


class TooManyNodes(XmlError):
    code = "too-many-nodes"
    status = 413
    message = "One event or header has more than %(limit)d elements and attributes."


class UnexpectedText(XmlError):
    code = "unexpected-text"
    message = "There is text where only elements or attributes belong."


class ContradictingMember(XmlError):
    code = "contradicting-member"
    message = "The member %(name)s is given twice, and the two do not say the same."
