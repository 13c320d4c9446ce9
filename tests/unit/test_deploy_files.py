"""Files of deploy/ against what they speak of: settings, headings, programs, rules of hardening."""

from __future__ import annotations

import os
import re
import runpy
import shutil
import subprocess
import sys
from configparser import ConfigParser
from dataclasses import fields
from ipaddress import ip_address
from itertools import product
from pathlib import Path
from string import Template
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from kubernetes_validate import (  # type: ignore[import-untyped]  # ships no stubs
    ValidationError,
    latest_version,
    validate,
)

from trace.config import Settings
from trace.web.reporting import MAX_REQUEST

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
MANIFESTS = [
    one
    for path in sorted((DEPLOY / "kubernetes").glob("*.yaml"))
    for one in yaml.safe_load_all(path.read_text())
]
SECRET = re.compile(r"SECRET|KEY|TOKEN|PASSWORD|DATABASE_URL|PASSPHRASE")
# Of the examples; what they name beside settings of the application.
NOT_OURS = {"TRACE_HOST", "TRACE_VERSION"}


def documented() -> set[str]:
    return set(
        re.findall(
            r"^### `([A-Z_]+)`", (ROOT / "docs/reference/settings.md").read_text(), re.MULTILINE
        )
    )


def pods() -> list[tuple[str, dict[str, Any]]]:
    """The pod of each workload, by its name."""
    found = []
    for one in MANIFESTS:
        spec = one.get("spec", {})
        if one["kind"] == "CronJob":
            spec = spec["jobTemplate"]["spec"]
        if "template" in spec:
            name = one["metadata"].get("name") or one["metadata"]["generateName"]
            found.append((name, spec["template"]["spec"]))
    return found


def test_manifests_are_valid_kubernetes() -> None:
    for one in MANIFESTS:
        given = {**one, "metadata": {"name": "generated", **one["metadata"]}}
        validate(given, latest_version(), strict=True)
    good = next(one for one in MANIFESTS if one["kind"] == "Deployment")
    bad = {**good, "spec": {**good["spec"], "replica": 1}}
    with pytest.raises(ValidationError, match="replica"):
        validate(bad, latest_version(), strict=True)


@pytest.mark.parametrize(
    ("name", "pod"), pods(), ids=lambda one: one if isinstance(one, str) else ""
)
def test_every_pod_is_closed_bounded_and_without_roots_rights(
    name: str, pod: dict[str, Any]
) -> None:
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 10001
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in pod["containers"]:
        closed = container["securityContext"]
        assert closed["readOnlyRootFilesystem"] is True
        assert closed["allowPrivilegeEscalation"] is False
        assert closed["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"]["limits"]["memory"]
        assert container["resources"]["requests"].keys() == {"cpu", "memory"}
        assert {"secretRef": {"name": "trace"}} in container["envFrom"]
        assert [one["name"] for one in container.get("env", []) if SECRET.search(one["name"])] == []
        if name in ("trace-web", "trace-worker"):
            assert "livenessProbe" in container
        if name == "trace-web":
            assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
            assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"


def test_what_must_always_run_may_not_be_drained_at_once() -> None:
    budgets = {
        one["metadata"]["name"]: one["spec"]["minAvailable"]
        for one in MANIFESTS
        if one["kind"] == "PodDisruptionBudget"
    }
    replicas = {
        one["metadata"]["name"]: one["spec"]["replicas"]
        for one in MANIFESTS
        if one["kind"] == "Deployment"
    }
    assert budgets.keys() == replicas.keys() == {"trace-web", "trace-worker"}
    assert all(0 < budgets[name] < replicas[name] for name in budgets)


def test_no_secret_is_in_a_manifest_and_every_setting_is_one_of_ours() -> None:
    kinds = {one["kind"] for one in MANIFESTS}
    assert "Secret" not in kinds
    (settings,) = (one["data"] for one in MANIFESTS if one["kind"] == "ConfigMap")
    examples = "".join(
        path.read_text()
        for path in (
            DEPLOY / "systemd/trace.env.example",
            DEPLOY / "container/compose.env.example",
        )
    )
    named = dict(re.findall(r"^([A-Z_]+)=(.*)$", examples, re.MULTILINE))
    assert {*settings, *named} - NOT_OURS <= documented()
    assert [name for name in settings if SECRET.search(name)] == []
    given = {name: value for name, value in named.items() if SECRET.search(name) and value}
    assert given.keys() <= {"TRACE_DATABASE_URL"}


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_every_unit_gives_up_what_it_does_not_need(unit: Path) -> None:
    parsed = ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    parsed.optionxform = str  # type: ignore[assignment,method-assign]  # names keep their case
    parsed.read_string(unit.read_text())
    service = parsed["Service"]
    for name, value in {
        "User": "trace",
        "NoNewPrivileges": "yes",
        "ProtectSystem": "strict",
        "ProtectHome": "yes",
        "PrivateTmp": "yes",
        "PrivateDevices": "yes",
        "RestrictNamespaces": "yes",
        "SystemCallArchitectures": "native",
        "CapabilityBoundingSet": "",
        "UMask": "0077",
    }.items():
        assert service[name] == value, name
    words = service["ExecStart"].split()
    program = words[0].replace("/opt/trace/.venv", str(Path(sys.executable).parent.parent))
    assert os.access(program, os.X_OK), program


def test_the_image_has_what_it_copies_and_does_not_run_as_root() -> None:
    told = (DEPLOY / "container/Dockerfile").read_text()
    sources = [
        word
        for line in re.findall(r"^COPY (?!--from)(.+)$", told, re.MULTILINE)
        for word in line.split()[:-1]
    ]
    assert [one for one in sources if not (ROOT / one).exists()] == []
    ignored = (DEPLOY / "container/Dockerfile.dockerignore").read_text().splitlines()
    assert "*" in ignored  # everything is left out but what is named
    assert {one.removeprefix("!") for one in ignored if one.startswith("!")} == {*sources}
    assert re.findall(r"^USER (.+)$", told, re.MULTILINE)[-1] == "10001:10001"
    hadolint = Path(sys.executable).parent / "hadolint"
    answer = subprocess.run(
        [str(hadolint), str(DEPLOY / "container/Dockerfile")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout


def test_containers_are_closed_and_only_the_proxy_is_reached_from_outside() -> None:
    told = yaml.safe_load((DEPLOY / "container/compose.yaml").read_text())
    services = told["services"]
    assert [name for name, one in services.items() if "ports" in one] == ["proxy"]
    assert told["networks"]["inside"] == {"internal": True}
    for name in ("backup", "migrate", "web", "worker"):
        assert services[name]["read_only"] is True
        assert services[name]["cap_drop"] == ["ALL"]
        assert services[name]["security_opt"] == ["no-new-privileges:true"]
    for one in services.values():
        text = str({**one, "env_file": ""})
        assert "POSTGRES_PASSWORD:" not in text
    # What it replaces in the proxy's file must be there.
    source = (DEPLOY / "nginx/trace.conf").read_text()
    for old in re.findall(r"s#(.+?)#", " ".join(services["proxy"]["command"])):
        assert old.replace("\\.", ".") in source


def test_the_proxy_counts_a_connection_of_ipv6_as_one_however_it_is_written() -> None:
    """nginx writes noughts shortest (RFC 5952); a phone, or who wants to be many, changes the last
    64 bits."""
    told = (DEPLOY / "nginx/trace.conf").read_text()
    shapes = re.findall(
        r'^    "~(.+)" \$1;$',
        told.split("$trace_sender {")[1].split("default")[0],
        re.MULTILINE,
    )
    assert len(shapes) == 2

    def counted(address: str) -> str:
        for shape in shapes:
            if found := re.match(shape, str(ip_address(address))):
                return found.group(1)
        return address

    for network in ("2001:db8:1:2", "2001:db8:0:1", "2001:db8:ab00:100"):
        ends = ("::1", ":1:2:3:4", "::ffff:0:1", ":0:0:0:9", ":1::")
        assert len({counted(f"{network}{end}") for end in ends}) == 1, network
    # Where the network itself ends in noughts, a few forms are possible, not a number of them.
    many = [":".join(some) for some in product("01", repeat=4)]
    assert len({counted(f"2001:db8:0:0:{end}") for end in many}) <= 2
    assert counted("203.0.113.7") == "203.0.113.7"


def test_the_sandbox_lets_the_web_server_do_what_its_settings_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    unit = (DEPLOY / "systemd/trace-web.service").read_text()
    filters = re.findall(r"^SystemCallFilter=(.+)$", unit, re.MULTILINE)
    settings = (DEPLOY / "gunicorn.conf.py").read_text()
    assert "os.nice(" in settings  # which is setpriority(2), of @resources
    (denied,) = (one for one in filters if one.startswith("~") and "@resources" in one)
    after = filters[filters.index(denied) + 1 :]
    assert any("setpriority" in one.split() for one in after)
    # Elsewhere it may be forbidden, and a folder may be mounted where figures are.
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / "metrics"))
    module: dict[str, Any] = runpy.run_path(str(DEPLOY / "gunicorn.conf.py"))

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "nice", refuse)
    doors = ["web.sock", "pages.sock"]
    module["post_fork"](SimpleNamespace(LISTENERS=doors), SimpleNamespace(sockets=doors[:1]))
    (tmp_path / "metrics").mkdir()
    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)
    module["on_starting"](None)
    assert (tmp_path / "metrics").is_dir()


def test_no_location_of_the_proxy_drops_the_headers_that_tell_who_asks() -> None:
    """A header set in a location takes the place of all that were set above it."""
    whole = (DEPLOY / "nginx/trace.conf").read_text()
    server = whole[whole.index("# -- Trace ---") :]
    above, *locations = re.split(r"\n    location ", server)
    for name in ("Host", "X-Forwarded-For", "X-Request-Id", "Forwarded"):
        assert f"proxy_set_header {name} " in above
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in above  # set, not added to
    for location in locations:
        assert "proxy_set_header" not in location
        if "add_header" in location:
            assert "add_header Strict-Transport-Security" in location


def test_the_proxies_let_in_what_the_product_does_and_send_no_program_to_tls() -> None:
    """A program that is led to TLS goes on sending its token in the clear first."""
    nginx = (DEPLOY / "nginx/trace.conf").read_text()
    plain = nginx[nginx.index("# -- plain HTTP") : nginx.index("# -- Trace ---")]
    assert "location ~ ^/(epcis|api)/ { return 403; }" in plain
    [most] = [int(str(one.default)) for one in fields(Settings) if one.name == "max_upload_bytes"]
    assert f"client_max_body_size {most >> 20}m;" in nginx
    [reports] = re.findall(r"location /report \{[^}]*client_max_body_size (\d+)m;", nginx)
    assert int(reports) << 20 == MAX_REQUEST
    told = (DEPLOY / "kubernetes/trace.yaml").read_text()
    assert re.findall(r"proxy-body-size: (\d+)m", told) == ["20", reports]


def test_a_balancer_takes_no_group_out_as_a_whole(tmp_path: Path) -> None:
    """Readers are sent wherever pages are answered, writers wherever records are taken, and if no
    server of a group says yes, to all of them."""
    told = Template((DEPLOY / "cluster/haproxy.cfg").read_text())
    names = {name: str(5000 + number) for number, name in enumerate(told.get_identifiers())}
    filled = told.substitute({**names, "hub": "127.0.0.1", "servers": ""})
    for group, path in (("pages", "/readyz"), ("desk", "/readyz?for=writing")):
        asked, unasked = (
            filled.split(f"\nbackend {name}\n", 1)[1].split("\nbackend ", 1)[0]
            for name in (group, f"{group}_all_the_same")
        )
        assert f"option httpchk GET {path}\n" in asked
        servers = [
            re.findall(r"^  server (\S+ \S+)", one, re.MULTILINE) for one in (asked, unasked)
        ]
        assert servers[0] == servers[1]
        assert "check" not in unasked
    haproxy = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")
    if haproxy is None:
        pytest.skip("haproxy is not installed: its own check of the file was left out")
    (tmp_path / "haproxy.cfg").write_text(filled)
    answer = subprocess.run(
        [haproxy, "-c", "-f", str(tmp_path / "haproxy.cfg")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr


def public_paths() -> list[str]:
    """A path of every address that goods carry and of the log, and of what else there is."""
    codes = ("7K3QMP2XV5", "08936012340013/10/L2611", "1/x")
    letters = "bchlnopqBCHLNOPQ"
    return [
        *(f"/{letter}/{code}" for letter in letters for code in codes),
        *(f"/{key}/{code}" for key in ("00", "01", "253", "414", "8003") for code in codes),
        *("/t/7K3QMP2XV5", "/log/checkpoint", "/log/tile/0/000"),
    ]


OTHER_PATHS = (
    *("/", "/t", "/log", "/producer/today", "/epcis/v2/events", "/api/v1/lots", "/static/x.css"),
    *("/b", "/bb/7K3QMP2XV5", "/12345/x", "/1/x", "/v/x", "/logs/x", "/x/t/7K3QMP2XV5", "/healthz"),
)


def test_both_proxies_send_the_same_paths_to_the_door_of_public_pages() -> None:
    nginx = re.search(
        r'location ~ "([^"]+)" \{[^}]*trace_pages', (DEPLOY / "nginx/trace.conf").read_text()
    )
    haproxy = re.search(r"acl public path_reg (\S+)", (DEPLOY / "cluster/haproxy.cfg").read_text())
    assert nginx
    assert haproxy
    for found in (nginx, haproxy):
        taken = re.compile(found.group(1))
        assert [path for path in public_paths() if not taken.match(path)] == []
        assert [path for path in OTHER_PATHS if taken.match(path)] == []


def test_every_alert_leads_to_a_heading_and_every_heading_is_an_alerts() -> None:
    (group,) = yaml.safe_load((DEPLOY / "prometheus-alerts.yml").read_text())["groups"]
    alerts = {rule["alert"]: rule["annotations"] for rule in group["rules"]}
    watch = (ROOT / "docs/how-to/watch.md").read_text()
    headings = re.findall(r"^### (Trace\w+)$", watch, re.MULTILINE)
    assert sorted(headings) == sorted(alerts)
    for name, told in alerts.items():
        assert told["runbook"] == f"docs/how-to/watch.md#{name.lower()}"
        assert told["summary"].endswith(".")
        assert told["description"].endswith(".")
        # More than a heading: what it means for people, where to look, what to do.
        body = watch.split(f"### {name}\n", 1)[1].split("\n#", 1)[0]
        assert len(body.split()) >= 40, name


def test_every_file_of_the_set_up_is_told_of() -> None:
    told = "".join(
        (ROOT / "docs/how-to" / name).read_text()
        for name in ("production.md", "watch.md", "back-up-and-restore.md", "upgrade.md")
    )
    for path in sorted(DEPLOY.glob("*/*")):
        if path.parent.name in ("nginx", "systemd", "kubernetes", "logrotate", "container"):
            known = path.name in told or f"deploy/{path.parent.name}/" in told
            assert known or path.name.startswith("."), path
