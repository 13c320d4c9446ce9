"""Paths of the document that are older than the way operations are declared here."""

from __future__ import annotations

from typing import Any, Final

from trace.core.series import MEASURES

PROBLEM: Final = {
    "description": "Refused.",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
TOKEN: Final[list[dict[str, list[str]]]] = [{"token": ["capture"]}]
STATEMENT: Final = "eyJhbGciOiJFZDI1NTE5Iiwi…~WyJ…~"

READING: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["time", "measure", "value"],
    "additionalProperties": False,
    "properties": {
        "time": {"type": "string", "format": "date-time"},
        "measure": {"type": "string", "enum": list(MEASURES)},
        "value": {"type": "number"},
    },
}


def _json(description: str, example: Any) -> dict[str, Any]:
    return {
        "description": description,
        "content": {"application/json": {"schema": {"type": "object"}, "example": example}},
    }


PATHS: Final[dict[str, dict[str, Any]]] = {
    "/api/v1/keys": {
        "get": {
            "tags": ["trust"],
            "operationId": "get_keys",
            "summary": "The organisation's keys, and what its next key record must say",
            "security": TOKEN,
            "responses": {
                "200": _json("The keys", {"keys": [], "next": {"n": 1, "action": "add"}}),
                "401": PROBLEM,
                "403": PROBLEM,
            },
        },
        "post": {
            "tags": ["trust"],
            "operationId": "post_keys",
            "summary": "Publish a key record signed outside",
            "security": TOKEN,
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": {
                        "schema": {
                            "type": "object",
                            "required": ["jws"],
                            "properties": {
                                "jws": {
                                    "type": "array",
                                    "minItems": 1,
                                    "maxItems": 2,
                                    "items": {"type": "string"},
                                }
                            },
                        },
                        "example": {"jws": ["eyJhbGciOiJFZDI1NTE5In0.eyJ2IjoxfQ.c2ln"]},
                    }
                },
            },
            "responses": {
                "201": _json("The record's place in the log", {"index": 41}),
                "400": PROBLEM,
                "401": PROBLEM,
                "403": PROBLEM,
                "409": PROBLEM,
                "413": PROBLEM,
            },
        },
    },
    "/api/v1/statements": {
        "post": {
            "tags": ["trust"],
            "operationId": "post_statements",
            "summary": "Record statements signed outside with an own key, all or none",
            "security": TOKEN,
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": {
                        "schema": {
                            "type": "object",
                            "required": ["statements"],
                            "properties": {
                                "statements": {"type": "array", "items": {"type": "string"}}
                            },
                        },
                        "example": {"statements": [STATEMENT]},
                    },
                    "application/vc+sd-jwt": {
                        "schema": {"type": "string"},
                        "example": STATEMENT,
                    },
                },
            },
            "responses": {
                "201": _json(
                    "Recorded",
                    {"statements": [{"id": "urn:uuid:…", "eventID": "urn:uuid:…", "index": 42}]},
                ),
                "200": _json("Recorded before under this key", {"statements": []}),
                "400": PROBLEM,
                "401": PROBLEM,
                "403": PROBLEM,
                "409": PROBLEM,
                "413": PROBLEM,
                "422": PROBLEM,
            },
        }
    },
    "/api/v1/verify": {
        "post": {
            "tags": ["trust"],
            "operationId": "verify",
            "summary": "Verify a bundle; a convenience for who trusts us anyway",
            "security": [],
            "requestBody": {
                "required": True,
                "content": {
                    "application/vnd.trace.bundle+json": {
                        "schema": {"type": "object"},
                        "example": {"v": 1, "subject": "https://id.example/b/7K3QMP2XV4"},
                    }
                },
            },
            "responses": {
                "200": _json("It passes", {"subject": "https://id.example/b/7K3QMP2XV4"}),
                "422": PROBLEM,
                "413": PROBLEM,
                "429": PROBLEM,
            },
        }
    },
    "/api/v1/sensors/readings": {
        "post": {
            "tags": ["sensors"],
            "operationId": "take_readings",
            "summary": "What a logger, a station or its gateway has read",
            "description": "The bearer token is the device's own (`trace_sensor_…`). Nothing sent"
            " again is kept twice, so no Idempotency-Key is needed. A logger's file comes as"
            " text/csv.",
            "security": [{"token": []}],
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": {
                        "schema": {
                            "type": "object",
                            "required": ["readings"],
                            "additionalProperties": False,
                            "properties": {"readings": {"type": "array", "items": READING}},
                        },
                        "example": {
                            "readings": [
                                {
                                    "time": "2026-11-20T07:10:00+07:00",
                                    "measure": "temperature",
                                    "value": 4.2,
                                }
                            ]
                        },
                    },
                    "text/csv": {
                        "schema": {"type": "string"},
                        "example": "time,temperature\n2026-11-20T07:10:00+07:00,4.2\n",
                    },
                },
            },
            "responses": {
                "200": _json(
                    "How many were kept now, how many were known", {"kept": 1, "known": 0}
                ),
                "400": PROBLEM,
                "401": PROBLEM,
                "413": PROBLEM,
                "415": PROBLEM,
                "429": PROBLEM,
            },
        }
    },
}
