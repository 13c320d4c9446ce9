"""A program that uses our interface over HTTP, with every answer held against the document."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from trace import clock
from trace.extensions import db
from trace.models import Organisation
from trace.services.tokens import issue_token, offered_scopes

ROOT = "/api/v1"
NUMBERS = itertools.count()


def fresh_key() -> str:
    """An Idempotency-Key that no other request of the run has."""
    return f"test-key-{next(NUMBERS):08d}"


class Program:
    """Whoever holds a token. Names of methods are those of HTTP; paths begin after /api/v1."""

    def __init__(
        self, client: FlaskClient, organisation: Organisation, scopes: Sequence[str] = ()
    ) -> None:
        wanted = scopes or offered_scopes(organisation)
        _, self.token = issue_token(organisation, "thử", wanted, at=clock.now())
        db.session.commit()
        self.client = client

    def ask(self, method: str, path: str, *, expect: int = 0, **options: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        if method == "POST":
            headers.setdefault("Idempotency-Key", fresh_key())
        address = path if path.startswith(("/api/", "/epcis/")) else ROOT + path
        answer = self.client.open(address, method=method, headers=headers, **options)
        answer.get_data()  # whole, so that a file that was sent is closed
        answer.close()
        if expect:
            assert answer.status_code == expect, (method, path, answer.status_code, answer.text)
        return answer

    def get(self, path: str, expect: int = 200, **options: Any) -> Any:
        return self.ask("GET", path, expect=expect, **options).json

    def post(self, path: str, body: Any, expect: int = 201, **options: Any) -> Any:
        return self.ask("POST", path, json=body, expect=expect, **options).json

    def put(self, path: str, body: Any, version: int, expect: int = 200) -> Any:
        headers = {"If-Match": f'"{version}"'}
        return self.ask("PUT", path, json=body, headers=headers, expect=expect).json

    def refused(self, method: str, path: str, status: int, **options: Any) -> Any:
        """The problem of a refusal; it must have the one shape."""
        answer = self.ask(method, path, expect=status, **options)
        assert answer.content_type == "application/problem+json", answer.content_type
        told = answer.json
        assert told is not None
        assert {"type", "title", "status", "detail", "code"} <= set(told)
        assert told["status"] == status
        assert told.get("path", "/").startswith("/") or told["path"] == ""
        return told


def codes(problem: Any) -> dict[str, str]:
    """{path: code} of a refusal of several errors."""
    return {one["path"]: one["code"] for one in problem["errors"]}


def program(app: Flask, client: FlaskClient, organisation: Organisation) -> Program:
    """A program of the organisation with all scopes."""
    with app.app_context():
        return Program(client, organisation)
