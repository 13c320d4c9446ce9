"""What a shopper's page needs of a phone: Android 8 (Chrome and WebView 67, of 2018) and iOS 15.

Versions are those of MDN's browser-compat-data (github.com/mdn/browser-compat-data), by the keys
named beside them, and of ECMA-262 for syntax: ES2018 is whole in Chrome 64 and, but for lookbehind
(16.4) and the `s` flag, in Safari 11.1; ES2020 in Chrome 80 and Safari 14; ES2022 in Chrome 94 and,
but for static blocks, in Safari 15.

What must run there is written for it, untranslated. What checks signatures needs younger browsers
(big integers, Ed25519): where it does not parse nothing of it runs, the page stands without, offers
its proof as a file, and says so.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
NODE = Path(__file__).parent / "node"
OLD = {"year": 2018, "chrome": 67, "safari": 15}
# The proof (Ed25519 by the browser), the camera and passkeys ask for more; where there is less they
# are done without.
LATER = {"year": 2022, "chrome": 137, "safari": 17}
MUST_RUN = ("scan/page.js", "scan/follow.js", "scan/worker.js", "js/base64.js", "js/trace.js")
MAY_RUN = (
    *("js/scan.js", "js/passkey.js", "verify/encoding.js", "verify/form.js", "verify/keys.js"),
    *("verify/log.js", "verify/page.js", "verify/policy.js", "verify/rare.js"),
    *("verify/statement.js", "verify/story.js", "verify/verify.js", "verify/words.js"),
)


def young(chrome: float, safari: float, *asked: str) -> dict[str, Any]:
    """First versions, and the files that look whether it is there before they use it."""
    return {"chrome": chrome, "safari": safari, "asked": list(asked)}


NEVER = 999
# Names younger than Chrome 60 or Safari 12. Keys: javascript.builtins.* and api.* of that data.
YOUNGER = {
    "at": young(92, 15.4),
    "flat": young(69, 12),
    "flatMap": young(69, 12),
    "fromEntries": young(73, 12.1),
    "matchAll": young(73, 13),
    "replaceAll": young(85, 13.1),
    "allSettled": young(76, 13),
    "hasOwn": young(93, 15.4),
    "findLast": young(97, 15.4),
    "toSorted": young(110, 16),
    "toReversed": young(110, 16),
    "withResolvers": young(119, 17.4),
    "groupBy": young(117, 17.4),
    "structuredClone": young(98, 15.4),
    "queueMicrotask": young(71, 12.1),
    "globalThis": young(71, 12.1),
    "BigInt": young(67, 14),
    "lookbehind": young(62, 16.4),
    "import()": young(63, 11.1),
    "randomUUID": young(92, 15.4),
    "replaceChildren": young(86, 14),
    "clipboard": young(66, 13.1, "scan/page.js"),
    "share": young(61, 12.1, "scan/page.js"),
    "requestIdleCallback": young(47, NEVER, "scan/page.js"),
    "prerendering": young(108, NEVER, "scan/page.js"),
    "saveData": young(49, NEVER, "scan/page.js"),
    "connection": young(61, NEVER, "scan/page.js"),
    "getEntriesByType": young(25, 11),
    "sendBeacon": young(39, 11.1),
    "serviceWorker": young(40, 11.1),
    "pushManager": young(42, 16, "scan/follow.js"),
    "PushManager": young(42, 16, "scan/follow.js"),
    "Notification": young(22, 16, "scan/follow.js"),
    "showNotification": young(42, 16, "scan/worker.js"),
    "BarcodeDetector": young(83, NEVER, "js/scan.js"),
    "showPicker": young(99, 16),
    "DecompressionStream": young(80, 16.4),
    "PublicKeyCredential": young(67, 13, "js/passkey.js"),
}

# Of the style sheet: (Chrome, Safari, whether the page needs it). Keys: css.* of that data.
OLD_STYLE = """
    background border border-radius border-color border-left border-top box-sizing color content
    cursor display fill font font-family font-size font-weight height left line-height list-style
    margin margin-left margin-top max-width min-height outline outline-offset padding padding-left
    padding-top position stroke stroke-dasharray stroke-linecap stroke-linejoin stroke-width
    text-anchor text-decoration top width flex flex-wrap align-items word-break image-rendering
    white-space break-after break-inside object-fit --custom @media calc( var( ::before :not :root
"""
STYLE = {
    **dict.fromkeys(OLD_STYLE.split(), (60, 15, True)),
    "grid-template-columns": (57, 10.1, True),
    "minmax(": (57, 10.1, True),
    "repeat(": (57, 10.1, True),
    "gap": (66, 12, True),  # in a grid; in a flex box it would need Chrome 84
    "min(": (79, 11.1, False),  # the two columns of a corrected line stand below one another
    "text-wrap": (114, 17.5, False),  # headings break where they break
    "text-underline-offset": (87, 12.1, False),
    "color-scheme": (81, 13, False),
    "prefers-color-scheme": (76, 12.1, False),  # light
    ":focus-visible": (86, 15.4, False),  # the browser's own ring instead
}


def complaints(files: list[dict[str, Any]]) -> list[str]:
    done = subprocess.run(
        ["node", "old_browsers.mjs"],
        cwd=NODE,
        input=json.dumps({"files": files, "table": YOUNGER}),
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[str] = json.loads(done.stdout)
    return found


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
def test_what_must_run_on_old_phones_needs_nothing_they_have_not() -> None:
    files = [
        {"name": name, "text": (ROOT / "static" / name).read_text(encoding="utf-8"), **level}
        for names, level in ((MUST_RUN, OLD), (MAY_RUN, LATER))
        for name in names
    ]
    assert complaints(files) == []
    # A check that finds nothing must be one that would.
    bad = {"a": "x?.y", "b": "[1].at(-1)", "c": "/(?<=a)b/", "d": "navigator.connection"}
    wrong = complaints([{"name": name, "text": text, **OLD} for name, text in bad.items()])
    assert [one[0] for one in wrong] == list(bad)


def test_every_module_of_the_public_pages_is_looked_at() -> None:
    there = {
        path.relative_to(ROOT / "static").as_posix()
        for folder in ("scan", "verify")
        for path in (ROOT / "static" / folder).glob("*.js")
    }
    assert there <= {*MUST_RUN, *MAY_RUN}


def features(css: str) -> set[str]:
    """Properties, functions, at-rules, media features and pseudo-classes of a style sheet."""
    found = set(re.findall(r"[{;]([a-z-]+):", css))
    told = " ".join(re.findall(r"{([^{}]*)}", css))
    found |= {f"{name}(" for name in re.findall(r"[\s:,(]([a-z]+)\(", told)}
    found |= set(re.findall(r"@[a-z]+", css)) | set(re.findall(r"prefers-[a-z-]+", css))
    selectors = re.sub(r"{[^{}]*}|@media\([^)]*\)", "{", css)
    found |= set(re.findall(r"::?[a-z-]+", selectors))
    return {"--custom" if one.startswith("--") else one for one in found}


def test_the_style_sheet_needs_nothing_young_and_does_without_what_is() -> None:
    css = (ROOT / "static" / "scan" / "scan.css").read_text(encoding="utf-8")
    used = features(css)
    assert used <= set(STYLE), used - set(STYLE)
    young_and_needed = [
        name
        for name in used & set(STYLE)
        if STYLE[name][2] and (STYLE[name][0] > 67 or STYLE[name][1] > 15)
    ]
    assert young_and_needed == []
    # A gap between boxes in a row came with Chrome 84.
    rows = [rule for rule in re.findall(r"{([^{}]*)}", css) if "flex" in rule and "gap" in rule]
    assert rows == []
