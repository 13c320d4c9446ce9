"""What fuzzing found, each by its smallest input: refused by name ever since."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from contextlib import suppress
from typing import Any

import pytest

from tests.fuzz.targets.tlog import KNOWN, NOTE
from tests.golden.signed import KID, build
from trace import core
from trace.core.signing import Unreadable, b64url, jose, unb64url
from trace.core.tlog.witness import cosignature_lines
from trace.errors import TraceError


def test_a_witness_that_answers_more_than_lines_is_refused() -> None:
    line = NOTE.split("\n")[-2] + "\n"
    assert cosignature_lines(line, NOTE, [KNOWN[1]]) == [line]
    with pytest.raises(Unreadable):
        cosignature_lines(f"x\n\n{line}", NOTE, [KNOWN[1]])


def remembering() -> dict[str, Any]:
    """Every function of core that remembers answers, by its module and name."""
    found = {}
    for module in pkgutil.walk_packages(core.__path__, "trace.core."):
        for name, value in vars(importlib.import_module(module.name)).items():
            if hasattr(value, "cache_info") and value.__module__ == module.name:
                found[f"{module.name}.{name}"] = value
    return found


# What they are given is short by what stands before them, or is our own.
BOUNDED = {
    "trace.core.epcis.gate._validator": "a type of event",
    "trace.core.epcis.own._validator": "a word of our vocabulary",
    "trace.core.gs1.links._remembered_identity": "up to 200 characters, by its caller",
    "trace.core.gs1.table.check_companions": "identifiers of one address, which is bounded",
    "trace.core.labels.linear.gs1_128": "sixteen, and a bar code's text is short",
    "trace.core.signing.jose.header_bytes": "a kid, which has 577 characters at most",
    "trace.core.statements.build._check_issuer": "what the kid names",
}


def test_no_cache_of_core_remembers_what_a_stranger_sent_long() -> None:
    found = remembering()
    texts = {
        name: one
        for name, one in found.items()
        if any(
            str(p.annotation) in ("str", "tuple[str, ...]", "str | int")
            for p in inspect.signature(one).parameters.values()
        )
    }
    assert len(texts) > 12
    assert set(BOUNDED) <= set(texts)
    for name, one in texts.items():
        if name in BOUNDED:
            continue
        count = len(inspect.signature(one).parameters)
        before = one.cache_info().currsize
        with suppress(TraceError, ValueError):
            one(*["did:web:" + "a" * 2000 + ":o:7"] * count)
        assert one.cache_info().currsize == before, name


def test_a_header_with_a_megabyte_of_blanks_is_read_and_forgotten() -> None:
    header, payload, signature = build().jwt.split(".")
    blanks = b" " * 600_000
    long = b64url(unb64url(header)[:-1] + blanks + b"}")
    before = jose._read_header.cache_info().currsize  # type: ignore[attr-defined]
    assert jose.read_kid(f"{long}.{payload}.{signature}", typ="vc+sd-jwt") == KID
    assert jose._read_header.cache_info().currsize == before  # type: ignore[attr-defined]
