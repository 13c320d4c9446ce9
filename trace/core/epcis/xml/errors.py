"""What can be wrong with a document as XML. Paths are JSON Pointers of the document's JSON twin."""

from __future__ import annotations

from trace.core.epcis.errors import EpcisError
from trace.errors import Refused, TraceError

_MOST: int = 1000


class Found(list[TraceError]):
    """What is wrong so far. The thousand-and-first error ends the reading: nobody mends them one
    by one, and a document made of errors must not cost memory for each. Raises Refused."""

    def append(self, error: TraceError) -> None:
        super().append(error)
        if len(self) > _MOST:
            raise Refused(self)


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
    message = "There are more than %(limit)d elements and attributes in one place, or overall."


class UnexpectedText(XmlError):
    code = "unexpected-text"
    message = "There is text where only elements or attributes belong."


class ContradictingMember(XmlError):
    code = "contradicting-member"
    message = "The member %(name)s is given twice, and the two do not say the same."
