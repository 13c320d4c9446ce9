"""One statement with every shape a member can have, and forgeries of it by its own signer."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.golden.story import event_of, quantity
from tests.golden.world import START, Stream, private_key, uuid4
from trace.core.signing import (
    JsonObject,
    dumps,
    sign_compact,
    unb64url,
)
from trace.core.statements import (
    Statement,
    build_statement,
)

ISSUER = "did:web:trace.example:o:7K3QMP2XV4"
KID = f"{ISSUER}#k1"
KEY = private_key("signer")
EVENT = event_of(
    "ObjectEvent",
    "trace:harvesting",
    "2026-11-20T08:00",
    eventID="urn:uuid:5f6d5b1e-6a0c-4c3e-8f6a-2b8f9c1d2e3f",
    recordTime="2026-11-20T01:00:00.000Z",
    action="ADD",
    disposition="active",
    persistentDisposition={"set": ["completeness_verified"]},
    quantityList=[quantity(f"https://trace.example/b/{n}", n) for n in range(3)],
    epcList=["https://trace.example/b/7K3QMP2XV4/1"],
    readPoint={"id": "https://trace.example/l/7K3QMP2XV4"},
    sensorElementList=[],
    ilmd={
        "cbvmda:lotNumber": "A1",
        "trace:productName": "Rau muống",
        "https://ns.example.com/a~b/c": ["x", "y"],
        "trace:seeds": {"a": [1, 2]},
    },
    **{"trace:note": "Cắt lứa hai", "trace:performedBy": {"household": "H07"}},
)


def build(event: JsonObject = EVENT, **members: Any) -> Statement:
    arguments: dict[str, Any] = {
        "issuer": ISSUER,
        "kid": KID,
        "key": KEY,
        "statement_id": uuid4(Stream("id")),
        "valid_from": START,
        "salts": Stream("salts"),
    }
    return build_statement(event, **{**arguments, **members})


def payload_of(statement: Statement) -> JsonObject:
    payload: JsonObject = json.loads(unb64url(statement.jwt.split(".")[1]))
    return payload


def resigned(statement: Statement, change: Callable[[JsonObject], None]) -> Statement:
    """The statement as a signer of bad will might have signed it."""
    payload = payload_of(statement)
    change(payload)
    jwt = sign_compact(dumps(payload), typ="vc+sd-jwt", kid=KID, key=KEY)
    return replace(statement, jwt=jwt)
