"""EPCIS XML 2.0 and 1.2 to and from the JSON-LD event objects of this package.

`parse_xml` gives the same Document that `parse_document` gives for the JSON twin, `write_xml` the
way back, `take_in` either by what the bytes look like. docs/explanation/epcis-xml.md says how what
one form cannot say is carried in the other.
"""

from trace.core.epcis.errors import TooManyNamespaces
from trace.core.epcis.xml.answers import write_capture_job, write_exception, write_plain
from trace.core.epcis.xml.errors import (
    BadEncoding,
    BadXml,
    ContradictingMember,
    DtdNotAllowed,
    TooManyNodes,
    UnexpectedText,
    XmlError,
)
from trace.core.epcis.xml.reading import XmlLimits, hash_any, is_xml, parse_xml, take_in
from trace.core.epcis.xml.writing import MEDIA_TYPES, write_xml

__all__ = [
    "MEDIA_TYPES",
    "BadEncoding",
    "BadXml",
    "ContradictingMember",
    "DtdNotAllowed",
    "TooManyNamespaces",
    "TooManyNodes",
    "UnexpectedText",
    "XmlError",
    "XmlLimits",
    "hash_any",
    "is_xml",
    "parse_xml",
    "take_in",
    "write_capture_job",
    "write_exception",
    "write_plain",
    "write_xml",
]
