"""The words of records: each has its English, each unit its code."""

from __future__ import annotations

import re
from decimal import Decimal

from trace.core.epcis.vocabulary import BIZ_STEPS, OWN_STEPS
from trace.services import vocabulary
from trace.services.corrections import REASONS
from trace.services.vocabulary import (
    FIELD_STEPS,
    HARVEST_STEPS,
    PROCESS_STEPS,
    START_STEPS,
    STEP_LABELS,
    STORE_STEPS,
    UNITS,
    uom_name,
)
from trace.web.i18n import catalogue

WORDS = [
    *STEP_LABELS.values(),
    *(unit.name for unit in UNITS),
    *vocabulary.INPUT_UNITS,
    *vocabulary.AREA_UNITS.values(),
    *vocabulary.DECLARATIONS.values(),
    *vocabulary.CYCLE_KINDS.values(),
    *REASONS.values(),
    vocabulary.step_label(None),
]


def test_every_word_has_its_english() -> None:
    english = catalogue("en")
    messages = {word: english.get(word) for word in WORDS}
    assert [word for word, message in messages.items() if not message or not message.string] == []


def test_every_step_we_offer_is_known_to_the_standard_or_ours() -> None:
    offered = {
        *(step for steps in (*FIELD_STEPS.values(), *START_STEPS.values()) for step in steps),
        *HARVEST_STEPS,
        *PROCESS_STEPS,
        *STORE_STEPS,
    }
    assert offered <= OWN_STEPS | BIZ_STEPS.words
    assert offered <= set(STEP_LABELS)
    assert set(STEP_LABELS) >= OWN_STEPS


def test_every_unit_has_a_code_of_recommendation_20_or_21_and_can_be_shown_again() -> None:
    for unit in UNITS:
        assert unit.uom == "" or re.fullmatch("[A-Z0-9]{2,3}", unit.uom)
        assert unit.factor > 0
        if unit.factor == Decimal(1):
            assert uom_name(unit.uom) == unit.name
