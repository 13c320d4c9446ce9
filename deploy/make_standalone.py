"""Makes what is sent and what is saved of the browser verifier from its source in static/verify/.

    .venv/bin/python deploy/make_standalone.py

writes static/verify/sent/*.js, the modules made small, and static/verify/standalone.html,
everything in one file that works from a disk, without a network and without any server. Both are
committed, so that running needs no Node.js; a test makes them again and compares.

Rules.
1. The core (steps 1 to 7) is sent as one module. It exports `verify` and one list of what the other
   modules take from it by place: twenty exported names would cost more than what they name.
2. terser (tests/contract/node/package.json, one version) shortens names and leaves out comments. It
   is deterministic: whoever has the source can make the same bytes.
3. In the one file each module becomes a function that gives its exports; nothing is loaded.
4. The file's own Content-Security-Policy allows its script and its style by their hashes and
   nothing else: it cannot send anything anywhere.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "static" / "verify"
SENT = SOURCE / "sent"
STANDALONE = SOURCE / "standalone.html"
MADE_FROM = SENT / "made-from.txt"
TERSER = ROOT / "tests" / "contract" / "node" / "node_modules" / "terser" / "bin" / "terser"
SMALLER = (
    "--module",
    "--ecma=2022",
    "--compress=passes=4,unsafe_arrows,unsafe_methods,keep_fargs=false",
    "--mangle",
    "--comments=false",
)
# In the order in which they need one another. What verifies is sent as one file; page.js belongs to
# the scan page alone.
CORE = ("encoding", "log", "keys", "statement", "verify")
OTHERS = ("policy", "rare", "story", "words", "form")
SENT_MODULES = ("verify", *OTHERS, "page")

IMPORT = re.compile(r'import \{([^}]*)\} from "\./(\w+)\.js";\n')
EXPORT = re.compile(r"^export const (\w+)", re.MULTILINE)
NAME = re.compile(r"\w+")


def _source(name: str) -> str:
    return (SOURCE / f"{name}.js").read_text(encoding="utf-8")


@cache
def _tools() -> list[str]:
    """What the other modules take from the core, `verify` aside, in the order of the list."""
    found = [IMPORT.findall(_source(name)) for name in (*OTHERS, "page")]
    names = {
        name
        for imports in found
        for names, module in imports
        if module in CORE
        for name in NAME.findall(names)
    }
    return sorted(names - {"verify"})


def _core() -> str:
    """The modules of CORE as one (rule 1)."""
    joined = "\n".join(IMPORT.sub("", _source(name)) for name in CORE)
    inside = EXPORT.sub(lambda one: one[0] if one[1] == "verify" else one[0][7:], joined)
    return f"{inside}\nexport const tools = [{', '.join(_tools())}];\n"


def _module(name: str) -> str:
    """A module as it is before it is made small."""
    if name == "verify":
        return _core()
    source = _source(name)
    imports = IMPORT.findall(source)
    taken = {one for names, module in imports if module in CORE for one in NAME.findall(names)}
    source = IMPORT.sub(lambda one: "" if one[2] in CORE else one[0], source)
    if taken - {"verify"}:
        places = ", ".join(tool if tool in taken else "" for tool in _tools())
        source = f'import {{ tools }} from "./verify.js";\nconst [{places}] = tools;\n{source}'
    if "verify" in taken:
        source = f'import {{ verify }} from "./verify.js";\n{source}'
    return source


def smaller(source: str) -> str:
    """The module made small (rule 2). Needs Node.js and terser."""
    node = shutil.which("node")
    if node is None or not TERSER.is_file():
        raise SystemExit("Node.js and terser are needed: make setup")
    done = subprocess.run(
        [node, str(TERSER), *SMALLER], input=source, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def one_script() -> str:
    """All modules in one script: each a function that gives its exports."""
    parts = "\n".join(_as_function(name) for name in ("verify", *OTHERS))
    return smaller(parts)


def _as_function(name: str) -> str:
    source = IMPORT.sub(r"const {\1} = modules_\2;\n", _module(name))
    source = re.sub(r'import\("\./(\w+)\.js"\)', r"Promise.resolve(modules_\1)", source)
    exports = EXPORT.findall(source)
    body = re.sub(r"^export ", "", source, flags=re.MULTILINE)
    return f"const modules_{name} = (() => {{\n{body}\nreturn {{ {', '.join(exports)} }};\n}})();"


STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:0 auto;padding:1rem;"
    "color:#1b1f1a;background:#fff}label{display:block;font-weight:600;margin-top:1rem}"
    "input,textarea,button{font:inherit;width:100%;box-sizing:border-box;min-height:3rem}"
    "button{margin-top:1.5rem}pre{overflow-x:auto}ul{padding-left:0;list-style:none}"
    "@media(prefers-color-scheme:dark){body{color:#e9ede7;background:#14170f}a{color:#9fd18b}}"
)
PAGE = """<!doctype html>
<html lang="vi">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Kiểm tra bằng chứng · Trace</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>Kiểm tra bằng chứng</h1>
<p>Tệp này tự kiểm tra, không cần mạng và không gửi gì đi. Chính sách nêu sổ nào và bên làm chứng \
nào được tin: lấy từ cơ quan quản lý hay người bạn tin.</p>
<p lang="en">This file checks by itself, without a network, and sends nothing. The policy names \
the log and the witnesses to believe: take it from an authority or someone you trust. \
<a href="#en">Results in English</a> · <a href="#vi" lang="vi">Kết quả tiếng Việt</a></p>
<form method="dialog" data-verify>
<label for="bundle-file">Tệp bằng chứng <span lang="en">(proof file)</span></label>
<input id="bundle-file" name="bundle-file" type="file">
<label for="bundle-text">hoặc dán bằng chứng <span lang="en">(or paste the proof)</span></label>
<textarea id="bundle-text" name="bundle-text" rows="3" spellcheck="false"></textarea>
<label for="policy-file">Tệp chính sách <span lang="en">(policy file)</span></label>
<input id="policy-file" name="policy-file" type="file">
<label for="policy-text">hoặc dán chính sách <span lang="en">(or paste the policy)</span></label>
<textarea id="policy-text" name="policy-text" rows="3" spellcheck="false"></textarea>
<button type="submit">Kiểm tra <span lang="en">(check)</span></button>
</form>
<div data-result="" aria-live="polite"></div>
</main>
<script type="module">{script}</script>
</body>
</html>
"""


def _hash(text: str) -> str:
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()


def standalone() -> str:
    """The one file."""
    script = one_script()
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(STYLE)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return PAGE.replace("{policy}", policy).replace("{style}", STYLE).replace("{script}", script)


def made() -> dict[Path, str]:
    """Every file that this program writes, by its path."""
    sent = {SENT / f"{name}.js": smaller(_module(name)) + "\n" for name in SENT_MODULES}
    return {**sent, STANDALONE: standalone(), MADE_FROM: made_from()}


def made_from() -> str:
    """The sources by their SHA-256: tells, without Node.js, that what is sent is of these."""
    names = (*CORE, *OTHERS, "page")
    lines = [f"{sha256(_source(name).encode()).hexdigest()}  {name}.js\n" for name in names]
    return "".join(lines)


def main() -> None:
    """Writes the files and says how long they are."""
    SENT.mkdir(exist_ok=True)
    for path, text in made().items():
        path.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{path.relative_to(ROOT)}: {len(text.encode())} bytes\n")


if __name__ == "__main__":
    main()
