"""docs/reference/formats.md against the code: reason codes, entry types, core members, limits."""

from __future__ import annotations

import re
from pathlib import Path

from trace.core.signing import errors as signing_errors
from trace.core.signing.errors import TrustError
from trace.core.statements import CORE, ENTRY_LIMIT, ERASABLE
from trace.core.statements import errors as statement_errors
from trace.core.statements.bundles import MEDIA_TYPE
from trace.core.statements.entries import _READERS
from trace.core.statements.keyring import ACTIONS, CUSTODIES
from trace.core.tlog import errors as tlog_errors
from trace.core.verify import errors as verify_errors
from trace.core.verify import report

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "formats.md").read_text()
MODULES = (signing_errors, statement_errors, tlog_errors, verify_errors)
FINDINGS = {
    report.WITHHELD,
    report.ERASED,
    report.REPLAYED,
    report.RECORDED_LATE,
    report.RECALL_UNKNOWN,
    report.CHAIN_GAP,
    report.INTERVAL_SHORT,
    report.MORE_OUT_THAN_IN,
}


def steps() -> dict[int, set[str]]:
    """The codes of each step as the page has them."""
    rows = re.findall(r"^\| ([1-9]) \w+ \| .* \| (.*) \|$", PAGE, re.MULTILINE)
    return {int(step): set(re.findall(r"`([a-z-]+)`", codes)) for step, codes in rows}


def test_the_nine_steps_list_the_codes_that_the_code_raises_at_them() -> None:
    raised: dict[int, set[str]] = {}
    for module in MODULES:
        for error in vars(module).values():
            if (
                isinstance(error, type)
                and issubclass(error, TrustError)
                and error.__module__ == module.__name__
                and error is not TrustError
            ):
                raised.setdefault(error.usual_step, set()).add(error.code)
    assert steps() == {**raised, 9: FINDINGS}


def test_every_entry_type_is_shown() -> None:
    shown = re.findall(r'`\{"v":1,"type":"(\w+)"', PAGE)
    assert shown == list(_READERS)


def test_core_erasable_and_key_words_are_listed() -> None:
    clear = PAGE[PAGE.index("**In the clear**") : PAGE.index("**`trace:members`**")]
    assert re.findall(r"`([\w:]+)`", clear) == list(CORE)
    erasure = PAGE[PAGE.index("**Erasure**") : PAGE.index("## Tiles")]
    assert set(re.findall(r"`([\w:]+)`", erasure)) == ERASABLE
    for word in (*ACTIONS, *CUSTODIES, MEDIA_TYPE):
        assert f"`{word}`" in PAGE
    assert f"{ENTRY_LIMIT:,} bytes" in PAGE
