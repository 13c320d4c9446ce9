"""Checking and naming the events of a document together gives what each alone would give."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from tests.unit.epcis.epcis_events import ID_BASE, NOW, TYPES
from trace.core.epcis import (
    Checker,
    EventHasher,
    JsonObject,
    amount_of,
    check_event,
    event_context,
    event_hash,
    named_things,
    thing_refs,
)
from trace.core.gs1 import new_code
from trace.errors import Refused

CODE = new_code(Random(1).randbytes)
OURS = event_context(ID_BASE)
OTHER = [OURS[0], {"trace": "https://other.example/voc/", "ext": "https://ns.example.com/ext/"}]


def event(number: int, context: Any, **members: Any) -> JsonObject:
    return {
        "@context": context,
        "type": "ObjectEvent",
        "action": "ADD",
        "eventTime": f"2026-11-20T03:00:{number:02d}.000Z",
        "eventTimeZoneOffset": "+07:00",
        "bizStep": "commissioning",
        "quantityList": [{"epcClass": f"{ID_BASE}/b/{CODE}", "quantity": number / 8, "uom": "KGM"}],
        "trace:variety": "Cải ngọt",
        **members,
    }


def test_hashes_do_not_depend_on_what_was_hashed_before() -> None:
    events = [event(number, (OURS, OTHER)[number % 2]) for number in range(20)]
    Random(7).shuffle(events)
    hasher = EventHasher()
    assert [hasher.hash(one) for one in events] == [event_hash(one) for one in events]
    assert len({event_hash(one) for one in events}) == len(events)


def test_a_context_reaches_only_the_events_that_declare_it() -> None:
    checker = Checker(now=NOW, id_base=ID_BASE)
    own, foreign = event(1, OURS), event(2, OTHER, **{"ext:a": 1, "trace:unheard": 2})
    undeclared = event(3, OURS, **{"ext:a": 1})
    unheard = event(4, OURS, **{"trace:unheard": 2})
    checker.check(own)
    checker.check(foreign)  # its trace: is another's vocabulary: none of our business
    for broken, code in ((undeclared, "undeclared-prefix"), (unheard, "unknown-member")):
        with pytest.raises(Refused) as caught:
            checker.check(broken, path="/x")
        with pytest.raises(Refused) as alone:
            check_event(broken, now=NOW, id_base=ID_BASE, path="/x")
        told = [(one.code, one.path) for one in caught.value.errors]
        assert told == [(one.code, one.path) for one in alone.value.errors]
        assert [found for found, _ in told] == [code]
    checker.check(own)


def test_named_things_are_the_typed_event_s_things() -> None:
    lists = {
        "ObjectEvent": ("epcList", "quantityList"),
        "TransactionEvent": ("epcList", "quantityList"),
        "AggregationEvent": ("childEPCs", "childQuantityList"),
        "AssociationEvent": ("childEPCs", "childQuantityList"),
        "TransformationEvent": ("inputEPCList", "outputQuantityList"),
    }
    for kind in TYPES:
        instances, classes = lists[kind]
        obj = event(5, OURS, type=kind)
        del obj["quantityList"]
        obj[instances] = [f"{ID_BASE}/b/{CODE}/0123456789ABCDEF"]
        obj[classes] = [{"epcClass": f"{ID_BASE}/b/{CODE}", "quantity": 0.1, "uom": "KGM"}]
        if kind == "TransformationEvent":
            del obj["action"]
        elif kind != "ObjectEvent":
            obj["parentID"] = f"{ID_BASE}/h/{CODE}"
        if kind == "TransactionEvent":
            obj["bizTransactionList"] = [{"bizTransaction": f"{ID_BASE}/n/{CODE}"}]
        typed = thing_refs(check_event(obj, now=NOW, id_base=ID_BASE))
        plain = [(r, uri, amount_of(quantity), uom) for r, uri, quantity, uom in named_things(obj)]
        assert plain == [(ref.role, ref.uri, ref.quantity, ref.uom) for ref in typed]
        assert [uri for _, uri, _, _ in plain] == [
            *([obj["parentID"]] if "parentID" in obj else []),
            obj[instances][0],
            obj[classes][0]["epcClass"],
        ]
