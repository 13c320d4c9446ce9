"""The production set-up of deploy/, started for real on loopback ports: nginx with TLS under a
certificate of our own, gunicorn on a socket that was opened for it (socket activation), the worker,
PostgreSQL. The files of deploy/ are used as they are; only names, ports and folders are replaced,
and each replacement must find its place."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.postgresql import Server

ROOT = Path(__file__).resolve().parents[2]
HOST = "trace.example"
PROGRAMS = {
    "nginx": "nginx-light",
    "systemd-socket-activate": "systemd",
    "logrotate": "logrotate",
}
WEB_WORKERS = 4  # the unit's
START_SECONDS = 120
THREADS = 8


def find_program(name: str) -> str | None:
    """Where a program is; Debian's servers are outside PATH of plain users."""
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def missing() -> list[str]:
    """Debian packages that are not installed here."""
    return [package for program, package in PROGRAMS.items() if find_program(program) is None]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def make_certificates(folder: Path) -> None:
    """ca.pem, and fullchain.pem with privkey.pem for HOST under it."""
    now = datetime.now(UTC)

    def made(
        name: str, issuer: x509.Name | None, key: ec.EllipticCurvePrivateKey, by: Any, *, ca: bool
    ) -> x509.Certificate:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer or subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=2))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if not ca:
            names = x509.SubjectAlternativeName([x509.DNSName(name)])
            builder = builder.add_extension(names, critical=False)
        return builder.sign(by, hashes.SHA256())

    top, own = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca = made("Drill CA", None, top, top, ca=True)
    leaf = made(HOST, ca.subject, own, top, ca=False)
    pem = serialization.Encoding.PEM
    (folder / "ca.pem").write_bytes(ca.public_bytes(pem))
    (folder / "fullchain.pem").write_bytes(leaf.public_bytes(pem))
    (folder / "privkey.pem").write_bytes(
        own.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


@dataclass(slots=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes


class Client:
    """One kept TLS connection from an address of its own (127.0.0.0/8 is this machine's)."""

    def __init__(self, site: Site, source: str = "127.0.0.1", *, timeout: float = 30) -> None:
        raw = socket.create_connection(("127.0.0.1", site.tls), timeout, (source, 0))
        self._connection = http.client.HTTPConnection(HOST)
        self._connection.sock = site.trust.wrap_socket(raw, server_hostname=HOST)

    def ask(
        self,
        path: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        self._connection.request(method, path, body, dict(headers or {}))
        answer = self._connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read())

    def close(self) -> None:
        self._connection.close()


@dataclass(slots=True)
class Site:
    """A running installation."""

    folder: Path
    database_url: str
    plain: int
    tls: int
    trust: ssl.SSLContext
    environment: dict[str, str]
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    figures: dict[str, str] = field(default_factory=dict)
    demo: dict[str, Any] = field(default_factory=dict)

    @property
    def socket(self) -> Path:
        """Where everything but public pages is asked for."""
        return self.folder / "web.sock"

    @property
    def pages(self) -> Path:
        return self.folder / "pages.sock"

    def flask(self, *words: str) -> str:
        """A command of the product; its output."""
        answer = subprocess.run(
            [sys.executable, "-m", "flask", "--app", "wsgi", *words],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if answer.returncode:
            raise RuntimeError(f"flask {' '.join(words)}: {answer.stdout}{answer.stderr}")
        return answer.stdout

    def start(self, name: str, command: list[str], environment: dict[str, str]) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
            )

    def start_web(self) -> None:
        """As trace-web.socket and trace-web.service do: the words of the unit, its paths ours."""
        for path in (self.socket, self.pages):
            path.unlink(missing_ok=True)
        unit = (ROOT / "deploy/systemd/trace-web.service").read_text()
        (words,) = (line for line in unit.splitlines() if line.startswith("ExecStart="))
        command = words.removeprefix("ExecStart=").split()
        command[0] = str(Path(sys.executable).parent / "gunicorn")
        command = [
            word.replace("${WEB_WORKERS}", str(WEB_WORKERS)).replace("/run/trace", str(self.folder))
            for word in command
        ]
        command[command.index("--log-level") + 1] = "info"  # tells the processes' numbers
        activate = find_program("systemd-socket-activate") or ""
        given = [
            word for name, value in self.environment.items() for word in ("-E", f"{name}={value}")
        ]
        doors = [word for path in (self.socket, self.pages) for word in ("-l", str(path))]
        self.start("web", [activate, *doors, *given, *command], self.environment)
        _until(self.answers, "the web server", self.folder / "web.log")

    def answers(self) -> bool:
        return all(map(self.answers_at, (self.socket, self.pages)))

    def answers_at(self, door: Path) -> bool:
        try:
            client = UnixConnection(door, timeout=20)
            client.request("GET", "/healthz", headers={"Host": HOST})
            return client.getresponse().status == 200
        except OSError:
            return False
        finally:
            client.close()

    def start_worker(self) -> None:
        command = [sys.executable, "-m", "flask", "--app", "wsgi", "trace", "worker"]
        self.start("worker", command, self.environment)

    def start_nginx(self) -> None:
        program = find_program("nginx") or ""
        self.start(
            "nginx", [program, "-p", str(self.folder), "-c", str(self.folder / "nginx.conf")], {}
        )

        def listens() -> bool:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.tls), 5).close()
                return True
            return False

        _until(listens, "nginx", self.folder / "nginx.log")

    def web_processes(self) -> set[int]:
        """gunicorn's own children."""
        found = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.processes["web"].pid)],
            capture_output=True,
            text=True,
            check=False,
        )
        return {int(word) for word in found.stdout.split()}

    def stop(self, name: str, seconds: float = 60) -> int:
        """Asks a process to end, in order; its status."""
        process = self.processes.pop(name)
        process.send_signal(signal.SIGQUIT if name == "nginx" else signal.SIGTERM)
        try:
            return process.wait(seconds)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


class UnixConnection(http.client.HTTPConnection):
    """Past the proxy, straight to the web server."""

    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__(HOST, timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def _until(holds: Any, what: str, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while not holds():
        if time.monotonic() > end:
            told = log.read_text(errors="replace")[-3000:]
            raise RuntimeError(f"{what} did not start within {START_SECONDS} s:\n{told}")
        time.sleep(0.05)


def nginx_configuration(folder: Path, plain: int, tls: int) -> str:
    """deploy/nginx/trace.conf with this place's ports and folders."""
    text = (ROOT / "deploy/nginx/trace.conf").read_text()
    for old, new in (
        ("unix:/run/trace/web.sock", f"unix:{folder}/web.sock"),
        ("unix:/run/trace/pages.sock", f"unix:{folder}/pages.sock"),
        ("    listen [::]:80 default_server;\n", ""),
        ("    listen [::]:80;\n", ""),
        ("    listen [::]:443 ssl http2 default_server;\n", ""),
        ("    listen [::]:443 ssl http2;\n", ""),
        ("listen 80 default_server;", f"listen 127.0.0.1:{plain} default_server;"),
        ("listen 80;", f"listen 127.0.0.1:{plain};"),
        (
            "listen 443 ssl http2 default_server;",
            f"listen 127.0.0.1:{tls} ssl http2 default_server;",
        ),
        ("listen 443 ssl http2;", f"listen 127.0.0.1:{tls} ssl http2;"),
        ("/etc/trace/tls/", f"{folder}/"),
        ("/opt/trace/deploy/nginx", f"{ROOT}/deploy/nginx"),
        ("/var/log/nginx/", f"{folder}/"),
        ("/var/cache/nginx/trace", f"{folder}/cache"),
    ):
        if old not in text:
            raise RuntimeError(f"deploy/nginx/trace.conf has no {old!r} any more")
        text = text.replace(old, new)
    (folder / "trace").mkdir(exist_ok=True)  # of the logs
    user = "user root;\n" if os.geteuid() == 0 else ""
    temporary = "".join(
        f"  {kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return (
        f"daemon off;\n{user}pid {folder}/nginx.pid;\nerror_log {folder}/nginx-start.log;\n"
        f"worker_processes 1;\nevents {{ worker_connections 2048; }}\n"
        # As Debian's nginx.conf begins: ours has to hold all the same.
        "http {\n  ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3;\n"
        f"  ssl_prefer_server_ciphers on;\n{temporary}{text}}}\n"
    )


@contextlib.contextmanager
def production(folder: Path, server: Server) -> Iterator[Site]:
    """Builds everything from nothing and takes it down again."""
    began = time.monotonic()
    make_certificates(folder)
    plain, tls = free_port(), free_port()
    (folder / "nginx.conf").write_text(nginx_configuration(folder, plain, tls))
    trust = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    url = server.create_database("production")
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    environment = {
        **kept,
        "PYTHONPATH": str(ROOT),
        "TRACE_ENVIRONMENT": "production",
        "TRACE_INSTANCE": str(folder / "instance"),
        "TRACE_DATABASE_URL": url,
        "TRACE_PUBLIC_URL": f"https://{HOST}",
        "TRACE_PROXIES": "1",
        "TRACE_SECRET_KEY": "kR7-only-for-a-drill-thrown-away-with-its-folder",
        "TRACE_KEY_ENCRYPTION_KEY": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
        "TRACE_METRICS_TOKEN": "7hQ-only-for-a-drill-thrown-away-with-its-folder",
    }
    site = Site(folder, url, plain, tls, trust, environment)
    try:
        site.flask("db", "upgrade")
        site.flask("trace", "seed", "--if-empty")
        site.demo = json.loads(site.flask("trace", "demo", "--json"))
        site.start_web()
        site.start_worker()
        site.start_nginx()
        site.figures["from nothing to the first page"] = f"{time.monotonic() - began:.0f} s"
        yield site
    finally:
        for name in tuple(site.processes):
            with contextlib.suppress(subprocess.TimeoutExpired):
                site.stop(name, 45)


def address(number: int) -> str:
    """An address of this machine; each counts by itself."""
    return str(IPv4Address(0x7F010000 + number))
