"""What the source itself must not hold: secrets, doors to other interpreters, markup by hand."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Shapes of keys that are worth stealing. Each needs enough random signs to be one.
SECRETS = re.compile(
    r"-----BEGIN (?:RSA |EC |OPENSSH |ENCRYPTED )?PRIVATE KEY-----"
    r"|\bAKIA[0-9A-Z]{16}\b"
    r"|\bgh[pousr]_[A-Za-z0-9]{36}\b|\bgithub_pat_[A-Za-z0-9_]{40,}"
    r"|\bglpat-[A-Za-z0-9_-]{20}\b"
    r"|\bxox[abprs]-[A-Za-z0-9-]{20,}"
    r"|\bsk_live_[A-Za-z0-9]{24,}|\bAIza[0-9A-Za-z_-]{35}\b"
    r"|\btrace_[A-Za-z0-9_-]{43}\b"
    r"|://[^\s/:@\"'{}<>$]+:[^\s/:@\"'{}<>$]{8,}@[^\s\"']+"
)
# Words that say themselves that they are none: in examples and in keys made for a test alone.
NONE = re.compile(r"example|localhost|127\.0|@/|\.test|user:|password|_a{30}", re.IGNORECASE)
# Calls that run text, load objects out of bytes, or trust anybody.
FORBIDDEN = re.compile(
    r"^(eval|exec|compile|__import__)$"
    r"|^(pickle|cPickle|marshal|shelve|dill|joblib|jsonpickle)\."
    r"|^yaml\.(load|unsafe_load|full_load)$"
    r"|^os\.(system|popen)$|^subprocess\.(getoutput|getstatusoutput)$|^commands\."
    r"|render_template_string$|^jinja2\.Template$|^Template$"
    r"|_create_unverified_context$|^random\.(random|randint|choice|choices|getrandbits)$"
)
WEAK = re.compile(
    r"^hashlib\.(md5|sha1)$|^hashlib\.new$|^(MD5|SHA1|ARC4|TripleDES|ECB|PKCS1v15)$|\.(MD5|SHA1|ECB|ARC4|TripleDES)$"
)


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def sources(*folders: str) -> Iterator[tuple[Path, ast.Module]]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "node_modules" not in path.parts:
                yield path.relative_to(ROOT), tree_of(path)


def calls(tree: ast.Module) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def committed() -> list[Path]:
    """Files under version control; all files where there is none."""
    try:
        told = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return [path for path in ROOT.rglob("*") if path.is_file() and ".venv" not in path.parts]
    return [ROOT / name for name in told.split("\0") if name and (ROOT / name).is_file()]


def secrets_in(text: str) -> list[str]:
    return [found[0][:40] for found in SECRETS.finditer(text)]


def test_no_secret_is_in_the_repository() -> None:
    found = {}
    for path in committed():
        if path.stat().st_size < 2_000_000 and path != Path(__file__):
            shapes = secrets_in(path.read_text(errors="replace"))
            if kept := [one for one in shapes if not NONE.search(one)]:
                found[str(path.relative_to(ROOT))] = kept
    assert found == {}


def test_secrets_are_noticed() -> None:
    assert secrets_in("key = 'AKIA" + "ABCDEFGHIJKLMNOP'")
    assert secrets_in("-----BEGIN EC " + "PRIVATE KEY-----")
    assert secrets_in("postgresql://trace:" + "s3cr3t-and-long@db/trace")
    assert secrets_in("Authorization: Bearer trace_" + "A" * 43)
    assert not secrets_in("trace_session trace.example https://trace.example/b/7K3QMP2XV4")


def test_nothing_builds_code_or_commands_out_of_text() -> None:
    wrong = []
    for path, tree in sources("trace", "migrations", "deploy"):
        for name, call in calls(tree):
            shell = any(
                one.arg == "shell"
                and not (isinstance(one.value, ast.Constant) and not one.value.value)
                for one in call.keywords
            )
            if shell or FORBIDDEN.search(name):
                wrong.append(f"{path}:{call.lineno} {name}")
            if (
                name.rpartition(".")[2] == "text"
                and call.args
                and isinstance(call.args[0], ast.JoinedStr)
            ):
                wrong.append(f"{path}:{call.lineno} SQL out of text")
    assert [one for one in wrong if not one.startswith(SPARED)] == []


# Names of tables and columns of our own models, never of a request.
SPARED = ("migrations/", "deploy/", "trace/services/bulk.py", "trace/services/retention.py")


def test_what_runs_text_is_noticed() -> None:
    for bad in ("pickle.loads", "os.system", "eval", "yaml.load", "flask.render_template_string"):
        assert FORBIDDEN.search(bad), bad
    for good in ("re.compile", "json.loads", "subprocess.run", "evaluate"):
        assert not FORBIDDEN.search(good), good


def test_no_weak_hash_is_used() -> None:
    wrong = [
        f"{path}:{call.lineno} {name}"
        for path, tree in sources("trace")
        for name, call in calls(tree)
        if WEAK.search(name) and "usedforsecurity" not in ast.unparse(call)
    ]
    assert wrong == []


def test_nothing_trusts_any_certificate() -> None:
    shapes = re.compile(r"CERT_NONE|check_hostname\s*=\s*False|verify\s*=\s*False|_unverified")
    wrong = [path for path in (ROOT / "trace").rglob("*.py") if shapes.search(path.read_text())]
    assert wrong == []


def test_no_debugger_is_ever_on() -> None:
    shapes = re.compile(r"\bdebug\s*=\s*True|FLASK_DEBUG=1|--debug\b|set_trace\(|breakpoint\(")
    files = [*(ROOT / "trace").rglob("*.py"), ROOT / "wsgi.py", *(ROOT / "deploy").rglob("*.*")]
    wrong = [
        str(path)
        for path in files
        if path.is_file()
        and path.suffix != ".pyc"
        and shapes.search(path.read_text(errors="replace"))
    ]
    assert wrong == []


def test_no_template_turns_escaping_off_but_where_it_is_ours() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}: {line.strip()[:100]}"
        for path in (ROOT / "templates").rglob("*.html")
        for line in path.read_text().splitlines()
        if re.search(r"\|\s*safe\b|autoescape false", line)
    ]
    assert [one for one in wrong if not one.startswith(OURS)] == []


# Drawings and texts that the product itself makes, of checked parts.
OURS = (
    "templates/components/icons.html",
    "templates/inspection/chain/show.html",
    "templates/scan/frame.html",
    "templates/scan/icons.html",
)


def test_no_script_writes_markup() -> None:
    shapes = re.compile(
        r"\.(inner|outer)HTML\s*=|insertAdjacentHTML|document\.write|\beval\(|new Function\("
        r"|__proto__(?!:\s*null)|setTimeout\(\s*[\"']"
    )
    wrong = []
    for path in (ROOT / "static").rglob("*.js"):
        text = path.read_text()
        wrong += [f"{path.name}: {found[0]}" for found in shapes.finditer(text)]
        if re.search(r"window\.addEventListener\(\s*[\"']message", text):
            wrong.append(f"{path.name}: takes messages of other windows")
    assert wrong == []


@pytest.mark.parametrize("name", ["trace.conf"])
def test_the_proxy_speaks_tls_of_today(name: str) -> None:
    path = ROOT / "deploy" / "nginx" / name
    if not path.is_file():
        pytest.skip("deploy/nginx is not there")
    told = path.read_text()
    assert re.search(r"ssl_protocols\s+TLSv1\.2\s+TLSv1\.3;", told)
    assert "autoindex on" not in told
