"""GS1 identifiers: keys, application identifiers, Digital Link URIs, EPC URNs, our own codes.

Everything is compared on `Identity`; nothing is guessed: what breaks a rule raises a `Gs1Error`
that names the rule.
"""

from trace.core.gs1.codes import (
    check_code,
    check_digit,
    check_lot,
    check_serial,
    format_code,
    new_code,
    new_serial,
    suggest_lot,
)
from trace.core.gs1.element_strings import parse_element_string
from trace.core.gs1.epc import parse_epc
from trace.core.gs1.errors import Gs1Error
from trace.core.gs1.identity import Identity, canonical_uri, local_uri
from trace.core.gs1.links import (
    DigitalLink,
    build_digital_link,
    parse_digital_link,
    parse_identity,
    parse_path,
)
from trace.core.gs1.report import digital_link_report
from trace.core.gs1.sscc import check_prefix, format_sscc, sscc
from trace.core.gs1.values import date_of, measure_of

__all__ = [
    "DigitalLink",
    "Gs1Error",
    "Identity",
    "build_digital_link",
    "canonical_uri",
    "check_code",
    "check_digit",
    "check_lot",
    "check_prefix",
    "check_serial",
    "date_of",
    "digital_link_report",
    "format_code",
    "format_sscc",
    "local_uri",
    "measure_of",
    "new_code",
    "new_serial",
    "parse_digital_link",
    "parse_element_string",
    "parse_epc",
    "parse_identity",
    "parse_path",
    "sscc",
    "suggest_lot",
]
