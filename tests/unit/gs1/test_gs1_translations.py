"""Every refusal of identifiers and labels has its Vietnamese sentence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

import trace.core.gs1 as gs1
import trace.core.labels as labels
from trace.errors import TraceError
from trace.services.fonts import NoFont

VI = Path(gs1.__file__).parents[2] / "translations" / "vi"


def _all(base: type[TraceError]) -> list[type[TraceError]]:
    return [base, *(one for child in base.__subclasses__() for one in _all(child))]


CLASSES: list[type[TraceError]] = [*_all(gs1.Gs1Error), *_all(labels.LabelError), NoFont]


@pytest.fixture(scope="module")
def sentences() -> dict[str, str]:
    found: dict[str, str] = {}
    for name in ("gs1.po", "labels.po"):
        with (VI / name).open("rb") as file:
            found |= {str(one.id): str(one.string) for one in read_po(file) if one.id}
    return found


@pytest.mark.parametrize("refusal", CLASSES, ids=lambda refusal: refusal.__name__)
def test_a_refusal_says_the_same_in_vietnamese(
    refusal: type[TraceError], sentences: dict[str, str]
) -> None:
    names = re.compile(r"%\((\w+)\)[sd]")
    assert sentences[refusal.message]
    assert sorted(names.findall(sentences[refusal.message])) == sorted(
        names.findall(refusal.message)
    )


def test_no_sentence_is_left_over(sentences: dict[str, str]) -> None:
    assert set(sentences) == {refusal.message for refusal in CLASSES}


def test_each_refusal_has_a_code_of_its_own() -> None:
    codes = [refusal.code for refusal in CLASSES]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", code) for code in codes)
