"""Makes what is sent and what is saved of the browser verifier from its source in static/verify/.

    .venv/bin/python deploy/make_standalone.py

writes static/verify/sent/*.js, the modules without comments and needless spaces, and
static/verify/standalone.html, everything in one file that works from a disk, without a network
and without any server. Both are committed; a test makes them again and compares.

Rules.
1. Only comments and spaces go: names, numbers and texts stay, so the source can be compared.
2. In the one file each module becomes a function that gives its exports; nothing is loaded.
3. The file's own Content-Security-Policy allows its script and its style by their hashes and
   nothing else: it cannot send anything anywhere.
"""

from __future__ import annotations

import re
import sys
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "static" / "verify"
SENT = SOURCE / "sent"
STANDALONE = SOURCE / "standalone.html"
# In the order in which they need one another. What verifies is sent as one file; page.js belongs to
# the scan page alone.
CORE = ("encoding", "log", "keys", "statement", "verify")
OTHERS = ("story", "policy", "words", "form")
SENT_MODULES = ("verify", *OTHERS, "page")
STARTED = frozenset({"verify", "canCheck"})

# What a JavaScript text is made of, as far as our own source uses it. A slash begins a regular
# expression after one of these characters; anywhere else it divides.
TOKEN = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)
    |(?P<string>"(?:[^"\\\n]|\\.)*")
    |(?P<word>[\w$]+)
    |(?P<space>\s+)
    |(?P<other>.)""",
    re.DOTALL | re.VERBOSE,
)
REGEX = re.compile(r"(?P<regex>/(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]*)")
BEFORE_REGEX = frozenset("(,=:?&|![{;>")
BLANK = frozenset({"space", "comment"})
WORD = re.compile(r"[\w$]")


def stripped(source: str) -> str:
    """The source without comments and without spaces that part nothing."""
    return _without_spaces(_without_comments(source))


def _pieces(source: str) -> list[tuple[str, str]]:
    """(kind, text) of all tokens; a template literal is one token of the kind `template`."""
    found: list[tuple[str, str]] = []
    at = 0
    while at < len(source):
        if source[at] == "`":
            end = _template_end(source, at)
            found.append(("template", source[at:end]))
            at = end
            continue
        # A regular expression is told by what stands before it, spaces left out.
        before = next((text for kind, text in reversed(found) if kind not in BLANK), "(")
        match = TOKEN.match(source, at)
        if source[at] == "/" and before[-1] in BEFORE_REGEX and source[at + 1] not in "/*":
            match = REGEX.match(source, at)
        if match is None:
            raise ValueError(f"not a token at character {at}")
        found.append((str(match.lastgroup), match[0]))
        at = match.end()
    return found


def _template_end(source: str, start: int) -> int:
    """Where the template literal that begins at `start` ends, with what stands in its ${…}."""
    at, depth = start + 1, 0
    while at < len(source):
        if source[at] == "\\":
            at += 1
        elif source[at] == "`" and depth == 0:
            return at + 1
        elif source[at] == "`":
            at = _template_end(source, at) - 1
        elif source.startswith("${", at):
            depth += 1
            at += 1
        elif source[at] == "}" and depth:
            depth -= 1
        elif source[at] == "{" and depth:
            depth += 1
        at += 1
    raise ValueError("a template literal without an end")


def _without_comments(source: str) -> list[tuple[str, str]]:
    return [(kind, text) for kind, text in _pieces(source) if kind != "comment"]


def _without_spaces(pieces: list[tuple[str, str]]) -> str:
    """The tokens joined, with a space only between words and between equal signs; a comma that
    ends a list goes as well."""
    tokens = [text for kind, text in pieces if kind != "space"]
    kept: list[str] = []
    spaced = False
    tokens_left = iter([*tokens[1:], ""])
    for kind, text in pieces:
        if kind == "space":
            spaced = True
            continue
        following = next(tokens_left)
        before = kept[-1][-1:] if kept else ""
        if spaced and _would_merge(before, text[:1]):
            kept.append(" ")
        spaced = False
        if not (text == "," and following in (")", "}", "]")):
            kept.append(text)
    return "".join(kept)


def _would_merge(before: str, after: str) -> bool:
    both_words = WORD.match(before) and WORD.match(after)
    return bool(both_words) or (before == after and before in ("+", "-"))


IMPORT = re.compile(r'import (\{[^}]*\}) from "\./(\w+)\.js";\n')
EXPORT = re.compile(r"^export const (\w+)", re.MULTILINE)


def _source(name: str) -> str:
    return (SOURCE / f"{name}.js").read_text(encoding="utf-8")


def _core() -> str:
    """The modules of CORE as one: they ask one another for nothing any more, and export only what
    the others import."""
    joined = "\n".join(IMPORT.sub("", _source(name)) for name in CORE)
    asked = {*STARTED, *_asked_of_core()}
    return EXPORT.sub(lambda one: one[0] if one[1] in asked else f"const {one[1]}", joined)


def _asked_of_core() -> set[str]:
    found = [IMPORT.findall(_source(name)) for name in (*OTHERS, "page")]
    return {
        name
        for imports in found
        for names, module in imports
        if module in CORE
        for name in re.findall(r"\w+", names)
    }


def _sent(name: str) -> str:
    """A module as it is sent: the core is one file, and the others import from that."""
    if name == "verify":
        return _core()
    return _from_core(_source(name))


def _from_core(source: str) -> str:
    """The source with all that it imports from modules of the core in one import."""
    names: list[str] = []
    for found, module in IMPORT.findall(source):
        if module in CORE:
            names += re.findall(r"\w+", found)
            source = source.replace(f'import {found} from "./{module}.js";\n', "")
    if not names:
        return source
    return f'import {{ {", ".join(sorted(names))} }} from "./verify.js";\n' + source


def one_script() -> str:
    """All modules in one script: each a function that gives its exports."""
    return "\n".join(_as_function(name) for name in ("verify", *OTHERS))


def _as_function(name: str) -> str:
    source = IMPORT.sub(r"const \1 = modules_\2;\n", _sent(name))
    source = re.sub(r'import\("\./(\w+)\.js"\)', r"Promise.resolve(modules_\1)", source)
    exports = EXPORT.findall(source)
    body = re.sub(r"^export ", "", source, flags=re.MULTILINE)
    return f"const modules_{name}=(()=>{{{stripped(body)}return{{{','.join(exports)}}}}})();"


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
    sent = {SENT / f"{name}.js": stripped(_sent(name)) + "\n" for name in SENT_MODULES}
    return {**sent, STANDALONE: standalone()}


def main() -> None:
    """Writes the files and says how long they are."""
    SENT.mkdir(exist_ok=True)
    for path, text in made().items():
        path.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{path.relative_to(ROOT)}: {len(text.encode())} bytes\n")


if __name__ == "__main__":
    main()
