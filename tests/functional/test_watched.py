"""What watches from outside speaks of figures that exist: the dashboard and the alerts."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families as families

from trace import clock
from trace.extensions import db
from trace.jobs import worker
from trace.services import backups, heartbeats, platform

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
# Prometheus' own, and what its functions and labels are called.
OWN = {"up"}


def names(expression: str) -> set[str]:
    """The metrics an expression asks for."""
    bare = re.sub(r"\{[^}]*\}|\[[^]]*\]|\"[^\"]*\"", "", expression)
    bare = re.sub(r"\b(by|without)\s*\([^)]*\)", "", bare)
    return {one for one in re.findall(r"[a-zA-Z_:][\w:]*", bare) if "_" in one or one in OWN} - {
        "histogram_quantile"
    }


@pytest.mark.one_database
def test_dashboard_and_alerts_ask_for_figures_that_are_told(
    app: Flask, client: FlaskClient, tmp_path: Path
) -> None:
    at = clock.now()
    with app.app_context():
        platform.initialise(at=at)
        db.session.commit()
        worker.publish("tests")
        backups.backup(tmp_path / "backup", at=at)
        heartbeats.Heart(app.extensions["trace.settings"].instance, "tests").beat(at=at)
    client.get("/about")
    told: set[str] = set(OWN)
    for family in families(client.get("/metrics").text):
        told |= {family.name, f"{family.name}_total"} if family.type == "counter" else {family.name}
        if family.type == "histogram":
            told |= {f"{family.name}_{part}" for part in ("bucket", "sum", "count")}
    board = json.loads((DEPLOY / "grafana-dashboard.json").read_text())
    panels = [one for one in board["panels"] if one["type"] != "row"]
    asked = {target["expr"] for panel in panels for target in panel["targets"]}
    assert len(panels) > 20
    assert all(panel["title"] and panel["targets"] for panel in panels)
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    (group,) = yaml.safe_load((DEPLOY / "prometheus-alerts.yml").read_text())["groups"]
    asked |= {rule["expr"] for rule in group["rules"]}
    assert names('sum by (le) (rate(trace_x_bucket{a="b_c"}[5m])) / up') == {"trace_x_bucket", "up"}
    for expression in sorted(asked):
        assert names(expression), expression
        assert names(expression) <= told, expression
    # Every figure of the state is shown somewhere.
    shown = {name for expression in asked for name in names(expression)}
    unseen = {name for name in told if name.startswith("trace_")} - shown
    kinds = ("_total", "_bucket", "_sum", "_count", "_created")
    left = {name for name in unseen if not name.endswith(kinds) and f"{name}_total" not in shown}
    assert left <= {
        "trace_requests",
        "trace_request_seconds",
        "trace_short_way",
        "trace_short_way_seconds",
        "trace_log_exists",
    }
