"""Requests made at random from the specification's OpenAPI file, by schemathesis where it is."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conformance import openapi
from tests.conformance.client import Json, Server
from tests.conformance.conftest import openapi_file

# Patterns are for another dialect; references out of the file lead to the network; `callbacks` are
# not the server's to answer.
DROPPED = ("pattern", "example", "examples", "callbacks")


def made_plain(value: Json) -> Json:
    """The file without what a generator of requests cannot use."""
    if isinstance(value, list):
        return [made_plain(one) for one in value]
    if not isinstance(value, dict):
        return value
    if not str(value.get("$ref", "#/")).startswith("#/"):
        return {}
    return {name: made_plain(one) for name, one in value.items() if name not in DROPPED}


@pytest.mark.long
@pytest.mark.requirement("ERR-05")
def test_no_request_made_from_the_file_makes_the_server_fail(
    server: Server, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    file = openapi_file(request.config)
    if file is None:
        pytest.skip("no --openapi FILE")
    program = Path(sys.executable).with_name("schemathesis")
    found = str(program) if program.exists() else shutil.which("schemathesis")
    if found is None:
        pytest.skip("schemathesis is not installed")
    plain = tmp_path / "openapi.json"
    plain.write_text(json.dumps(made_plain(openapi.load(file)), default=str))
    headers = [
        part for name in server.headers for part in ("-H", f"{name}: {server.headers[name]}")
    ]
    ran = subprocess.run(
        [
            *(found, "run", str(plain), "--url", server.base, *headers, "--no-color"),
            *("--checks", "not_a_server_error", "--phases", "fuzzing", "--max-examples", "50"),
            # To end a page's token is optional, and 501 where it is not implemented.
            *("--exclude-path-regex", "nextPageToken", "--suppress-health-check", "all"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=1200,
    )
    assert "Test cases:" in ran.stdout, ran.stdout + ran.stderr
    assert "Server error" not in ran.stdout, ran.stdout
