"""The production set-up, built from nothing and used: TLS, static files, slow senders, limits, a
reload under load, a restart, logs and their rotation, the worker, the end.

Figures go to docs/reports/production.md, with the load they were taken under."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import ssl
import statistics
import subprocess
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest

from tests.support.postgresql import Server
from tests.support.production import (
    HOST,
    ROOT,
    THREADS,
    WEB_WORKERS,
    Client,
    Site,
    UnixConnection,
    address,
    find_program,
    missing,
    production,
)
from tests.support.production_load import Load, capture_headers, event

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        bool(missing()), reason=f"not installed: {' '.join(missing())} (Debian's package names)"
    ),
]
SLOW_SENDERS = 40
JSON = {"Accept": "application/json"}


@pytest.fixture(scope="module")
def site(postgresql_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    # A socket's path may have 107 bytes only.
    folder = Path(f"/tmp/trace-site-{uuid.uuid4().hex[:8]}")
    folder.mkdir(mode=0o755)
    try:
        with production(folder, postgresql_server) as made:
            yield made
            write_report(made)
    finally:
        subprocess.run(["rm", "-rf", str(folder)], check=False)


def pages(site: Site) -> list[str]:
    """Paths of history pages of the demo's printed codes."""
    client = Client(site, address(1))
    found = []
    for printed in site.demo["addresses"]:
        answer = client.ask(urlsplit(printed["address"]).path, headers={"Accept": "text/html"})
        assert answer.status in (303, 307), answer.body
        found.append(urlsplit(urljoin("https://x", answer.headers["Location"])).path)
    client.close()
    return found


def test_tls_is_modern_and_leads_only_to_our_own_name(site: Site) -> None:
    for version, spoken in (
        (ssl.TLSVersion.TLSv1_2, "TLSv1.2"),
        (ssl.TLSVersion.TLSv1_3, "TLSv1.3"),
    ):
        context = ssl.create_default_context(cafile=str(site.folder / "ca.pem"))
        context.minimum_version = context.maximum_version = version
        with (
            socket.create_connection(("127.0.0.1", site.tls)) as raw,
            context.wrap_socket(raw, server_hostname=HOST) as made,
        ):
            assert made.version() == spoken
            assert "GCM" in made.cipher()[0] or "CHACHA20" in made.cipher()[0]  # type: ignore[index]
    weak = ssl.create_default_context(cafile=str(site.folder / "ca.pem"))
    weak.maximum_version = ssl.TLSVersion.TLSv1_2
    weak.set_ciphers("AES128-SHA256:AES256-SHA:@SECLEVEL=0")  # no forward secrecy
    for context, name in ((weak, HOST), (site.trust, "other.example")):
        with (
            socket.create_connection(("127.0.0.1", site.tls)) as raw,
            pytest.raises(ssl.SSLError),
        ):
            context.wrap_socket(raw, server_hostname=name)
    with socket.create_connection(("127.0.0.1", site.plain)) as raw:
        raw.sendall(b"GET /about?a=b HTTP/1.1\r\nHost: trace.example\r\n\r\n")
        head = raw.recv(4096)
    assert head.startswith(b"HTTP/1.1 308 ")
    assert b"Location: https://trace.example/about?a=b\r\n" in head


def test_a_program_that_speaks_plain_http_is_refused_and_not_led_on(site: Site) -> None:
    for path in ("/api/v1/batches", "/epcis/v2/capture"):
        with socket.create_connection(("127.0.0.1", site.plain), timeout=5) as raw:
            raw.sendall(f"POST {path} HTTP/1.1\r\nHost: trace.example\r\n\r\n".encode())
            assert raw.recv(4096).startswith(b"HTTP/1.1 403 ")


def test_each_answer_has_its_headers_once_and_a_name_that_the_proxy_gave(site: Site) -> None:
    client = Client(site)
    for path in ("/about", "/static/none.css", "/no-such-page", pages(site)[0]):
        answer = client.ask(path, headers={"X-Request-Id": "a-senders-own-name"})
        assert answer.headers.get_all("Strict-Transport-Security") == [
            "max-age=31536000; includeSubDomains"
        ], path
        assert len(answer.headers.get_all("Content-Security-Policy") or ()) <= 1
        assert answer.headers.get("X-Content-Type-Options") == "nosniff"
        assert "nginx/" not in answer.headers["Server"]
        name = answer.headers.get("X-Request-Id")
        assert name is None or re.fullmatch("[0-9a-f]{32}", name)  # scan pages are named by none
    named = client.ask("/about", headers={"X-Request-Id": "a-senders-own-name"})
    assert re.fullmatch("[0-9a-f]{32}", named.headers["X-Request-Id"])
    client.close()


def test_what_a_sender_says_of_its_address_is_not_believed(site: Site) -> None:
    client = Client(site)
    # This machine may read figures; one that says it is another still is this one.
    for claimed in ({}, {"X-Forwarded-For": "203.0.113.9"}, {"Forwarded": "for=203.0.113.9"}):
        assert client.ask("/metrics", headers=claimed).status == 200
    client.close()
    # Past the proxy the header is what counts: that is why its socket is closed to others.
    straight = UnixConnection(site.socket, 20)
    straight.request("GET", "/metrics", headers={"X-Forwarded-For": "203.0.113.9"})
    assert straight.getresponse().status == 404
    straight.close()
    unit = (ROOT / "deploy/systemd/trace-web.socket").read_text()
    assert "SocketMode=0660\n" in unit


def asset(client: Client) -> tuple[str, str]:
    """A style sheet's path, and the stamp of its content."""
    named = re.search(
        r'"(/static/[^"?]+\.css)\?v=([0-9a-f]{16})"', client.ask("/about").body.decode()
    )
    assert named is not None
    return named[1], named[2]


def test_static_files_come_from_the_proxy_as_the_application_wrote_their_headers(
    site: Site,
) -> None:
    client = Client(site, address(2))
    path, stamp = asset(client)
    seen = {}
    for encoding in ("br", "gzip", ""):
        headers = {"Accept-Encoding": encoding or "identity"}
        first, again = (client.ask(f"{path}?v={stamp}", headers=headers) for _ in range(2))
        assert first.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert again.headers["X-Cache"] == "HIT"
        assert again.headers.get("Content-Encoding", "") == encoding
        assert again.headers["ETag"] == f'W/"{stamp}"'
        assert again.body == first.body
        seen[encoding] = len(again.body)
    assert seen["br"] < seen["gzip"] < seen[""]
    # An address that does not name the content (of an older page, say) is asked for each time.
    for query in ("", "?v=0123456789abcdef"):
        for _ in range(2):
            answer = client.ask(path + query)
            assert answer.headers["Cache-Control"] == "no-cache"
            assert answer.headers["X-Cache"] != "HIT"
    client.close()


def test_bodies_and_rates_have_limits(site: Site) -> None:
    client = Client(site, address(3))
    connection = client._connection  # the body is never sent: the head says enough
    connection.putrequest("POST", "/epcis/v2/capture")
    connection.putheader("Content-Length", str(20 * 1024 * 1024 + 1))
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == 413
    client.close()
    # Four hundred at once, then two hundred a second: a person never gets there.
    other = Client(site, address(5))
    path, stamp = asset(other)
    one = f"HEAD {path}?v={stamp} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
    raw = socket.create_connection(("127.0.0.1", site.tls), 30, (address(4), 0))
    with site.trust.wrap_socket(raw, server_hostname=HOST) as many:
        many.sendall(one * 900)
        told = b""
        while told.count(b"HTTP/1.1 ") < 900 or not told.endswith(b"\r\n\r\n"):
            part = many.recv(65536)
            assert part, told[-500:]
            told += part
    refused = told.count(b"HTTP/1.1 429 ")
    assert refused > 0
    assert told.count(b"HTTP/1.1 200 ") + refused == 900
    site.figures["of 900 requests at once from one address, refused by nginx (429)"] = str(refused)
    # Somebody else is not held up by it.
    assert other.ask("/about").status == 200
    other.close()


def slow_sender(site: Site, connection: socket.socket) -> None:
    """Begins a capture that is allowed, and sends one byte of it."""
    fields = {"Host": HOST, "Content-Length": "100000", **capture_headers(site)}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    connection.sendall(f"POST /epcis/v2/capture HTTP/1.1\r\n{head}\r\n{{".encode())


def test_forty_slow_senders_block_the_web_server_alone_and_nobody_behind_nginx(
    site: Site,
) -> None:
    assert SLOW_SENDERS > WEB_WORKERS * THREADS
    page = pages(site)[0]
    slow = []
    for _ in range(SLOW_SENDERS):
        one = socket.socket(socket.AF_UNIX)
        one.connect(str(site.socket))
        slow_sender(site, one)
        slow.append(one)
    try:
        assert any(_stands_still(site, page) for _ in range(10))  # until all threads took one up
    finally:
        for one in slow:
            one.close()
    _wait_for_answer(site)

    held = []
    for number in range(SLOW_SENDERS):
        raw = socket.create_connection(("127.0.0.1", site.tls), 30, (address(1000 + number), 0))
        made = site.trust.wrap_socket(raw, server_hostname=HOST)
        slow_sender(site, made)
        held.append(made)
    client = Client(site, address(6), timeout=5)
    took = []
    for _ in range(50):
        start = time.perf_counter()
        assert client.ask(page).status == 200
        took.append(1000 * (time.perf_counter() - start))
    client.close()
    site.figures[f"scan page while {SLOW_SENDERS} senders are slow, behind nginx"] = (
        f"{statistics.median(took):.1f} ms median, {max(took):.1f} ms longest; straight to "
        f"gunicorn ({WEB_WORKERS} processes of {THREADS} threads) none within 3 s"
    )
    # They are not waited for for ever: fifteen seconds without a byte.
    held[0].settimeout(40)
    try:
        told = held[0].recv(100)
    except ConnectionResetError:
        told = b""
    assert told.startswith((b"HTTP/1.1 408 ", b"HTTP/1.1 400 ")) or not told
    for sender in held:
        sender.close()


def _stands_still(site: Site, page: str) -> bool:
    straight = UnixConnection(site.socket, 3)
    straight.request("GET", page)
    try:
        return not straight.getresponse().read()
    except TimeoutError:
        return True
    finally:
        straight.close()


def _wait_for_answer(site: Site) -> None:
    end = time.monotonic() + 60
    while not site.answers():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_reload_under_load_fails_no_request_and_replaces_every_process(site: Site) -> None:
    with Load(site, pages(site)) as load:
        began = time.monotonic()
        time.sleep(2)
        for _ in range(2):
            before = site.web_processes()
            site.processes["web"].send_signal(signal.SIGHUP)
            end = time.monotonic() + 180
            while site.web_processes() & before or len(site.web_processes()) != WEB_WORKERS:
                assert time.monotonic() < end, "old processes are still there"
                time.sleep(0.1)
        time.sleep(1)
        seconds = time.monotonic() - began
    assert load.wrong == []
    assert len(load.captures) > 10
    assert len(load.scans) > 100
    # What was acknowledged is there.
    client = Client(site, address(7))
    end = time.monotonic() + 120
    for job in load.captures:
        told = {"running": True}
        while told["running"]:
            assert time.monotonic() < end
            path = urlsplit(job).path
            told = json.loads(client.ask(path, headers=capture_headers(site)).body)
        assert told["success"], told
    client.close()
    cuts = statistics.quantiles(load.scans, n=100)
    site.figures["two reloads (SIGHUP) under load"] = (
        f"0 of {2 * len(load.scans) + len(load.captures)} requests failed in {seconds:.0f} s; scan "
        f"page through TLS and nginx {cuts[49]:.1f} ms median, {cuts[98]:.1f} ms p99; "
        f"{len(load.captures)} captures acknowledged, all there"
    )


def test_while_the_web_server_is_away_everybody_is_told_when_to_come_back(site: Site) -> None:
    assert site.stop("web") == 0
    client = Client(site, address(8))
    page = client.ask("/about", headers={"Accept": "text/html"})
    assert page.status == 503
    assert "Xin đợi giây lát" in page.body.decode()
    problem = client.ask("/epcis/v2/capture", "POST", b"{}", JSON)
    assert problem.status == 503
    assert json.loads(problem.body)["code"] == "unavailable"
    assert problem.headers["Content-Type"] == "application/problem+json"
    for answer in (page, problem):
        assert answer.headers["Retry-After"] == "5"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers.get_all("Strict-Transport-Security") == [
            "max-age=31536000; includeSubDomains"
        ]
    site.start_web()
    assert client.ask("/about").status == 200
    client.close()


def test_what_is_recorded_is_published_by_the_worker_and_everything_answers(site: Site) -> None:
    client = Client(site, address(9))

    def published() -> int:
        return int(client.ask("/log/checkpoint").body.split(b"\n")[1])

    before = published()
    answer = client.ask("/epcis/v2/capture", "POST", event(), capture_headers(site))
    assert answer.status == 202
    end = time.monotonic() + 60
    while published() == before:
        assert time.monotonic() < end
        time.sleep(0.2)
    ready = client.ask("/readyz")
    assert ready.status == 200, ready.body
    checked = subprocess.run(
        ["bash", str(ROOT / "deploy/backup.sh"), str(site.folder / "backups"), "2"],
        env={**site.environment, "PATH": _with_postgresql(site.environment["PATH"])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr
    assert len(list((site.folder / "backups").glob("trace-*Z/manifest.json"))) == 1
    figures = client.ask("/metrics").body.decode()
    assert "trace_backup_age_seconds" in figures
    assert re.search(r"^trace_workers_alive 1\.0$", figures, re.MULTILINE)
    client.close()


def _with_postgresql(path: str) -> str:
    from tests.support.postgresql import programs

    return f"{path}:{programs()}"


def test_the_proxys_log_names_no_person_and_is_rotated_while_requests_go_on(site: Site) -> None:
    log = site.folder / "trace" / "access.log"
    client = Client(site, address(10))
    page = pages(site)[0]
    assert client.ask(page).status == 200
    deadline = time.monotonic() + 30
    while not log.exists() or not log.read_text().strip():
        assert time.monotonic() < deadline
        time.sleep(0.2)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    whole = log.read_text()
    assert page not in whole
    assert address(10) not in whole
    assert all(re.fullmatch(r"127\.\d+\.\d+\.0/24", line["network"]) for line in lines)
    assert all(re.fullmatch(r"/[a-z.-]*|/\d\d", line["part"]) for line in lines)
    rules = (ROOT / "deploy/logrotate/trace").read_text()
    for old, new in (
        ("/var/log/nginx/", f"{site.folder}/"),
        ("/run/nginx.pid", f"{site.folder}/nginx.pid"),
        ("    create 0640 www-data adm\n", ""),
    ):
        assert old in rules
        rules = rules.replace(old, new)
    (site.folder / "logrotate.conf").write_text(rules)
    (site.folder / "logrotate.conf").chmod(0o644)
    rotated = subprocess.run(
        [
            find_program("logrotate") or "",
            "-f",
            "-s",
            str(site.folder / "logrotate.state"),
            str(site.folder / "logrotate.conf"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert rotated.returncode == 0, rotated.stderr
    assert (site.folder / "trace" / "access.log.1").exists()
    mark = Client(site, address(11))
    assert mark.ask("/healthz").status == 200
    mark.close()
    client.close()
    deadline = time.monotonic() + 30
    while '"part":"/healthz"' not in (log.read_text() if log.exists() else ""):
        assert time.monotonic() < deadline, "nginx did not open its new log"
        time.sleep(0.2)


def test_everything_stops_in_order_and_nothing_is_left(site: Site) -> None:
    began = time.monotonic()
    group = [process.pid for process in site.processes.values()]
    assert site.stop("nginx") == 0
    assert site.stop("web") == 0
    assert site.stop("worker") == 0
    site.figures["stop of proxy, web server and worker"] = f"{time.monotonic() - began:.1f} s"
    for pid in group:
        with pytest.raises(ProcessLookupError):
            os.killpg(pid, 0)
    site.flask("trace", "audit", "--workers", "1")


def write_report(site: Site) -> None:
    """docs/reports/production.md, where everything above was run."""
    if "stop of proxy, web server and worker" not in site.figures:
        return
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    lines = [
        "# Production set-up: what the drill measured",
        "",
        "Written by `tests/drills/test_production.py` (`make test-long ARGS=tests/drills`): nginx",
        "with TLS, gunicorn by socket activation, worker and PostgreSQL, all on one machine with",
        "the clients.",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}; {os.cpu_count()} processors, {memory:.0f} GiB; load",
        f"average at the end {load} (1, 5, 15 minutes).",
        "",
        "| what | figure |",
        "| --- | --- |",
        *(f"| {name} | {value} |" for name, value in site.figures.items()),
        "",
    ]
    report = ROOT / "docs/reports/production.md"
    report.parent.mkdir(exist_ok=True)
    report.write_text("\n".join(lines))
