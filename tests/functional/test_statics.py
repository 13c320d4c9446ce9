"""Static files go out small, once, and under the type they have."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import brotli  # type: ignore[import-untyped]  # ships no stubs
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from trace.web.statics import find

pytestmark = pytest.mark.one_database

STATIC = Path(__file__).resolve().parents[2] / "static"
EVERY = sorted(p.relative_to(STATIC).as_posix() for p in STATIC.rglob("*") if p.is_file())


def _ask(client: FlaskClient, path: str, encodings: str, **headers: str) -> TestResponse:
    return client.get(f"/static/{path}", headers={"Accept-Encoding": encodings, **headers})


def test_every_file_is_the_same_in_every_encoding(client: FlaskClient) -> None:
    assert len(EVERY) > 20
    for path in EVERY:
        _check_encodings(client, path)


def _check_encodings(client: FlaskClient, path: str) -> None:
    data = (STATIC / path).read_bytes()
    plain = _ask(client, path, "identity")
    assert plain.data == data
    assert "Content-Encoding" not in plain.headers
    for encodings, name, unpack in (
        ("gzip, deflate, br, zstd", "br", brotli.decompress),
        ("gzip", "gzip", gzip.decompress),
        ("br;q=0, gzip", "gzip", gzip.decompress),
    ):
        answer = _ask(client, path, encodings)
        packed = answer.headers.get("Content-Encoding")
        assert packed in (name, None)
        assert (unpack(answer.data) if packed else answer.data) == data
        assert len(answer.data) <= len(data)
        assert answer.headers["ETag"] == plain.headers["ETag"]
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.mimetype == plain.mimetype


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("verify/sent/verify.js", "text/javascript; charset=utf-8"),
        ("css/trace.css", "text/css; charset=utf-8"),
        ("img/leaf.svg", "image/svg+xml; charset=utf-8"),
        ("verify/standalone.html", "text/html; charset=utf-8"),
        ("app/icon-192.png", "image/png"),
    ],
)
def test_files_say_what_they_are(client: FlaskClient, path: str, kind: str) -> None:
    assert _ask(client, path, "br").headers["Content-Type"] == kind


def test_code_goes_out_as_brotli_and_a_picture_as_it_is(client: FlaskClient) -> None:
    assert _ask(client, "verify/sent/verify.js", "gzip, br").headers["Content-Encoding"] == "br"
    assert "Content-Encoding" not in _ask(client, "app/icon-192.png", "gzip, br").headers


def test_an_address_that_names_the_content_is_kept_for_ever(client: FlaskClient) -> None:
    page = client.get("/verify").get_data(as_text=True)
    found = re.search(r'src="/static/(verify/sent/form\.js\?v=\w+)"', page)
    assert found is not None
    kept = _ask(client, found[1], "br")
    assert kept.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    for other in ("verify/sent/form.js", "verify/sent/form.js?v=another"):
        assert _ask(client, other, "br").headers["Cache-Control"] == "no-cache"


def test_what_is_known_already_is_not_sent_again(client: FlaskClient) -> None:
    first = _ask(client, "verify/sent/verify.js", "br")
    again = _ask(client, "verify/sent/verify.js", "br", **{"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert again.data == b""
    assert again.headers["ETag"] == first.headers["ETag"]
    other = _ask(client, "verify/sent/verify.js", "br", **{"If-None-Match": 'W/"other"'})
    assert other.status_code == 200


@pytest.mark.parametrize(
    "path",
    ["none.js", "verify", "", "../setup.cfg", "..%2Fsetup.cfg", "verify%00.js"],
)
def test_what_is_no_static_file_is_not_found(client: FlaskClient, path: str) -> None:
    assert _ask(client, path, "br").status_code == 404


def test_a_file_changed_on_the_disk_is_read_anew(tmp_path: Path) -> None:
    file = tmp_path / "a.js"
    file.write_text("let a;")
    before = find(str(tmp_path), "a.js")
    file.write_text("let another;")
    after = find(str(tmp_path), "a.js")
    assert before is not None
    assert after is not None
    assert (before.bodies[""], after.bodies[""]) == (b"let a;", b"let another;")
    assert before.stamp != after.stamp
