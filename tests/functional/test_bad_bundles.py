"""Whatever is wrong with a bundle has a name: the interface and the command, on a real bundle."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
import time_machine
from flask import Flask
from sqlalchemy.orm import scoped_session

from tests.functional.test_bundles_published import bundle
from tests.support.bad_bundles import BAD, BIG
from tests.support.farms import make_farm

Session = scoped_session[Any]
START = datetime(2026, 11, 8, 1, 0, tzinfo=UTC)
TODAY = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


@pytest.mark.one_database
def test_the_interface_and_the_command_name_what_is_wrong(
    db_session: Session, app: Flask, tmp_path: Path
) -> None:
    farm = make_farm(START)
    cycle = farm.sow()
    farm.spray(cycle)
    good = bundle(farm.box(farm.reap(cycle)))
    client, runner = app.test_client(), app.test_cli_runner()
    (tmp_path / "policy").write_bytes(client.get("/log/policy").data)
    called = ["trace", "verify", str(tmp_path / "bundle"), "--policy", str(tmp_path / "policy")]
    with time_machine.travel(TODAY, tick=False):
        assert client.post("/api/v1/verify", data=good).status_code == 200
        for name, bad in {**BAD, **BIG}.items():
            data = bad.change(good)
            answer = client.post("/api/v1/verify", data=data)
            if name == "blanks before it":  # more than a bundle may have: not even read
                assert answer.status_code == 413
                continue
            assert (answer.status_code, answer.content_type) == (422, "application/problem+json")
            problem = answer.json
            assert problem is not None
            assert (problem["code"], problem["step"]) in bad.refusals, (name, problem["detail"])
            assert problem["valid"] is False
            assert len(answer.data) < 4000
            (tmp_path / "bundle").write_bytes(data)
            found = runner.invoke(args=[*called, "--json"])
            told = orjson.loads(found.stdout)
            assert (found.exit_code, told["code"], told["step"]) == (
                1,
                problem["code"],
                problem["step"],
            ), name


@pytest.mark.one_database
def test_a_bundle_from_the_future_is_refused_at_the_interface(
    db_session: Session, app: Flask
) -> None:
    data = bundle(make_farm(START).register(10))
    with time_machine.travel(START, tick=False):
        answer = app.test_client().post("/api/v1/verify", data=data)
    assert answer.json is not None
    assert (answer.status_code, answer.json["code"], answer.json["step"]) == (422, "stale", 8)
