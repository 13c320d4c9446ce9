"""The client: records (places, products, …) by name, acts by verbs, files by waiting for them."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from trace_client.acts import Acts
from trace_client.asking import ROOT, Body, encoded
from trace_client.files import Files
from trace_client.transport import Answer, Transport


class Client(Acts, Files):
    """Acts as the organisation whose token it has.

    `key` of every act is its Idempotency-Key: a new one unless you name it. The same key with the
    same content is carried out once, however often it is sent, by this process or another.
    """

    def __init__(
        self,
        server: str,
        token: str,
        *,
        timeout: float = 30.0,
        tries: int = 5,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self.transport = Transport(server, token, timeout, tries, wait)
        self._members: dict[str, frozenset[str]] = {}

    # -- requests --------------------------------------------------------------------------------

    @property
    def left(self) -> int | None:
        """How many requests the token has left this minute, as the last answer said."""
        return self.transport.left

    def pause(self, seconds: float) -> None:
        """Waits, as the client does between tries."""
        self.transport.wait(seconds)

    def get(self, path: str, **query: str | int) -> Any:
        """What stands at a path below /api/v1. Raises Refused."""
        return self._ask("GET", path, query=query).json()

    def post(self, path: str, body: Body | None = None, *, key: str = "") -> Any:
        """Sends a body; safe to repeat with the same key. Raises Refused."""
        headers = {"Idempotency-Key": key or str(uuid.uuid4())}
        return self._ask("POST", path, body or {}, headers=headers).json()

    def post_file(
        self, path: str, data: bytes, kind: str, *, key: str = "", **query: str | int
    ) -> Any:
        """Sends a file of this media type; safe to repeat with the same key. Raises Refused."""
        headers = {"Idempotency-Key": key or str(uuid.uuid4()), "Content-Type": kind}
        address = (path if path.startswith(ROOT) else ROOT + path) + (
            "?" + urlencode(query) if query else ""
        )
        return self.transport.send("POST", address, data, headers).json()

    def put(self, path: str, body: Body, *, version: int) -> Any:
        """Changes what has a version. Raises Changed where it is no longer `version`."""
        return self._ask("PUT", path, body, headers={"If-Match": f'"{version}"'}).json()

    def delete(self, path: str) -> None:
        """Takes away what stands at a path."""
        self._ask("DELETE", path)

    def fetch(self, path: str) -> bytes:
        """A file. Raises Refused."""
        return self._ask("GET", path).data

    def _ask(
        self,
        method: str,
        path: str,
        body: Body | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str | int] | None = None,
    ) -> Answer:
        address = path if path.startswith(ROOT) else ROOT + path
        if query:
            address += "?" + urlencode(query)
        data, more = None, dict(headers or {})
        if body is not None:
            data = encoded(body)
            more["Content-Type"] = "application/json"
        return self.transport.send(method, address, data, more)

    # -- records ---------------------------------------------------------------------------------

    def all(self, noun: str, **query: str | int) -> Iterator[dict[str, Any]]:
        """Every record of a list, page by page."""
        cursor: dict[str, str] = {}
        while True:
            page = self.get(f"/{noun}", **query, **cursor)
            yield from page["items"]
            if page["next"] is None:
                return
            cursor = {"cursor": page["next"]}

    def one(self, noun: str, number: int) -> dict[str, Any]:
        """One record."""
        found: dict[str, Any] = self.get(f"/{noun}/{number}")
        return found

    def add(self, noun: str, body: Body, *, key: str = "") -> dict[str, Any]:
        """A new record, as it was kept."""
        found: dict[str, Any] = self.post(f"/{noun}", body, key=key)
        return found

    def change(self, noun: str, number: int, body: Body, *, version: int) -> dict[str, Any]:
        """A record as it is to be from now on. Raises Changed where it is no longer `version`."""
        found: dict[str, Any] = self.put(f"/{noun}/{number}", body, version=version)
        return found

    def edit(self, noun: str, number: int, **changes: Any) -> dict[str, Any]:
        """Changes some members of a record and leaves the others as they are: reads it, sends what
        can be changed of it with its version. Raises Changed when somebody was quicker."""
        now = self.one(noun, number)
        kept = {name: now[name] for name in self._changeable(noun) if name in now}
        return self.change(noun, number, {**kept, **changes}, version=now["version"])

    def _changeable(self, noun: str) -> frozenset[str]:
        """The members a change of this kind of record takes, by the server's own document."""
        if noun not in self._members:
            document = self.get("/openapi.json")
            paths = (one for one in document["paths"] if one.startswith(f"{ROOT}/{noun}/{{"))
            told = (document["paths"][one].get("put") for one in paths if one.count("/") == 4)
            body = next(one for one in told if one)["requestBody"]["content"]["application/json"]
            name = body["schema"]["$ref"].rpartition("/")[2]
            members = document["components"]["schemas"][name]["properties"]
            self._members[noun] = frozenset(members)
        return self._members[noun]

    def remove(self, noun: str, number: int) -> None:
        """Takes a record away."""
        self.delete(f"/{noun}/{number}")
