"""What fuzzing found, each by its smallest input: refused by name ever since."""

from __future__ import annotations

import pytest

from tests.fuzz.targets.tlog import KNOWN, NOTE
from trace.core.signing import Unreadable
from trace.core.tlog.witness import cosignature_lines


def test_a_witness_that_answers_more_than_lines_is_refused() -> None:
    line = NOTE.split("\n")[-2] + "\n"
    assert cosignature_lines(line, NOTE, [KNOWN[1]]) == [line]
    with pytest.raises(Unreadable):
        cosignature_lines(f"x\n\n{line}", NOTE, [KNOWN[1]])
