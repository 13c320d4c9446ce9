"""Files of deploy/ judged by the programs that will read them, where those are installed."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.production import find_program

pytestmark = pytest.mark.long
ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
# What is left open on purpose: both kinds of sockets, the machine's own network and root folder.
EXPOSURE = 1.5


def needs(program: str, package: str) -> pytest.MarkDecorator:
    """Skips in words where a program is not installed."""
    return pytest.mark.skipif(
        find_program(program) is None, reason=f"{program} is missing (Debian: {package})"
    )


def run(*words: str, cwd: Path = ROOT) -> str:
    answer = subprocess.run(
        [find_program(words[0]) or words[0], *words[1:]],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )
    told = answer.stdout + answer.stderr
    assert answer.returncode == 0, told
    return told


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units, for this folder's program; one worker of the template."""
    for path in (DEPLOY / "systemd").glob("trace-*"):
        name = path.name.replace("@.", "@1.")
        (tmp_path / name).write_text(path.read_text().replace("/opt/trace", str(ROOT)))
    return tmp_path


@needs("systemd-analyze", "systemd")
def test_units_are_understood_and_leave_little_open(units: Path) -> None:
    names = sorted(path.name for path in units.iterdir())
    assert len(names) == 5
    told = run("systemd-analyze", "verify", "--man=no", *(f"./{name}" for name in names), cwd=units)
    assert told.replace("Failed to load", "") == told, told
    for name in names:
        if name.endswith(".service"):
            told = run("systemd-analyze", "security", "--offline=true", f"./{name}", cwd=units)
            found = re.search(r"Overall exposure level for \S+: ([\d.]+)", told)
            assert found is not None
            assert float(found.group(1)) <= EXPOSURE, told


@needs("promtool", "prometheus")
def test_alerts_are_understood_by_prometheus() -> None:
    assert "SUCCESS" in run("promtool", "check", "rules", "deploy/prometheus-alerts.yml")


@needs("docker-compose", "docker-compose")
def test_the_compose_file_is_understood(tmp_path: Path) -> None:
    folder = tmp_path / "deploy" / "container"
    shutil.copytree(DEPLOY / "container", folder)
    (folder / "compose.env").write_text((folder / "compose.env.example").read_text())
    (folder / "database_password.txt").write_text("only for a drill")
    (folder / ".env").write_text("TRACE_HOST=trace.example\n")
    run("docker-compose", "-f", "compose.yaml", "config", "--quiet", cwd=folder)


@needs("shellcheck", "shellcheck")
def test_scripts_are_understood_by_shellcheck() -> None:
    run("shellcheck", "deploy/backup.sh", "deploy/as-trace.sh")


@needs("logrotate", "logrotate")
def test_rules_of_rotation_are_understood(tmp_path: Path) -> None:
    rules = (DEPLOY / "logrotate/trace").read_text()
    rules = rules.replace("    create 0640 www-data adm\n", "")
    rules = rules.replace("/var/log/nginx/", f"{tmp_path}/")
    (tmp_path / "rules").write_text(rules)
    (tmp_path / "rules").chmod(0o644)
    told = run("logrotate", "-d", "-s", str(tmp_path / "state"), str(tmp_path / "rules"))
    assert "error" not in told.lower().replace("error.log", "")
