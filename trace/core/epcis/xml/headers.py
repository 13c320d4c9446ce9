"""Headers: the Standard Business Document Header's parties, and master data (EPCIS 2.0 §9.5).

Master data is kept as the twin's `vocabularyList`; an attribute's value is its text or, where it
has elements, what an extension of that shape would be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trace.core.epcis.rules import MAX_DEPTH
from trace.core.epcis.strict_json import JsonObject
from trace.core.epcis.xml import names as ns
from trace.core.epcis.xml.errors import Found
from trace.core.epcis.xml.values import BLANK, Values, inner_text
from trace.errors import Refused, TraceError

if TYPE_CHECKING:
    from lxml.etree import _Element as Element


def _below(element: Element, *path: str) -> Element | None:
    """The first element at the path of local names, whatever their namespace."""
    here: Element | None = element
    for step in path:
        if here is None:
            return None
        here = next((one for one in here if ns.split(str(one.tag))[1] == step), None)
    return here


def standard_header(element: Element, names: ns.Names) -> tuple[dict[str, Any], list[JsonObject]]:
    """(sender, receiver and instance_identifier where given, vocabularies) of an EPCISHeader."""
    found: dict[str, Any] = {}
    places = {
        "sender": ("Sender", "Identifier"),
        "receiver": ("Receiver", "Identifier"),
        "instance_identifier": ("DocumentIdentification", "InstanceIdentifier"),
    }
    for name, path in places.items():
        one = _below(element, "StandardBusinessDocumentHeader", *path)
        if one is not None:
            found[name] = inner_text(one).strip(BLANK)
    vocabularies: list[JsonObject] = []
    for start in ((), ("extension",)):
        one = _below(element, *start, "EPCISMasterData", "VocabularyList")
        if one is not None:
            vocabularies += master_data(one, names)
    return found, vocabularies


def master_data(element: Element, names: ns.Names) -> list[JsonObject]:
    """The vocabularies of a VocabularyList. Raises Refused for what no JSON could say."""
    errors: list[TraceError] = Found()
    values = Values(names, errors, max_depth=MAX_DEPTH)
    found = [
        _vocabulary(one, values, f"/epcisHeader/epcisMasterData/vocabularyList/{at}")
        for at, one in enumerate(element)
    ]
    if errors:
        raise Refused(errors)
    return found


def _vocabulary(element: Element, values: Values, path: str) -> JsonObject:
    elements = _below(element, "VocabularyElementList")
    return {
        "type": element.get("type", ""),
        "vocabularyElementList": [
            _element(one, values, f"{path}/vocabularyElementList/{at}")
            for at, one in enumerate(elements if elements is not None else ())
        ],
    }


def _element(element: Element, values: Values, path: str) -> JsonObject:
    out: JsonObject = {"id": element.get("id", "")}
    attributes: list[JsonObject] = []
    children: list[str] = []
    for one in element:
        local = ns.split(str(one.tag))[1]
        if local == "attribute":
            attributes.append(_attribute(one, values, f"{path}/attributes/{len(attributes)}"))
        elif local == "children":
            children += [inner_text(child).strip(BLANK) for child in one]
    if attributes:
        out["attributes"] = attributes
    if children:
        out["children"] = children
    return out


def _attribute(element: Element, values: Values, path: str) -> JsonObject:
    value: Any = inner_text(element).strip(BLANK)
    if len(element):
        value = values.members(element, path)
        value.pop("id", None)
    return {"id": element.get("id", ""), "attribute": value}
