"""Every target over its corpus and over mutations of it, and that no parser of core has none."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
from collections.abc import Callable
from time import process_time
from typing import Any

import pytest

from tests.fuzz import growth, report, running
from tests.fuzz.keeping import chosen, reached
from tests.fuzz.mutating import inputs_of, mutations
from tests.fuzz.remembered import remembering
from tests.fuzz.running import Tally, give_all
from tests.fuzz.spared import SPARED, SPARED_MODULES
from tests.fuzz.target import CORPUS, Target, bytes_of, line_of, target
from tests.fuzz.targets import TARGETS
from trace import core

SOME = 300
MANY = 20_000
MOST_BYTES = 300_000  # of all corpora together
NAMED = pytest.mark.parametrize("name", TARGETS)


def told(tally: Tally) -> list[str]:
    return [f"{find.data[:300]!a}\n{find.told}" for find in tally.finds.values()]


@NAMED
def test_nothing_breaks_a_parser(name: str) -> None:
    """Over what is known, then over mutations: nothing but refusals by name, none of them slow."""
    one = TARGETS[name]
    tally = give_all(one, inputs_of(one))
    for data in mutations(one, SOME // 6 if one.heavy else SOME):
        tally.give(data)
    assert told(tally) == []
    assert tally.inputs > 50


@NAMED
def test_a_target_reaches_the_parsers_it_names(name: str) -> None:
    one = TARGETS[name]
    wanted = {code_of(function): function for function in one.covers}
    met: set[Any] = set()

    def note(frame: Any, event: str, _: Any) -> None:
        if event == "call" and frame.f_code in wanted:
            met.add(frame.f_code)

    for remembered in remembering().values():
        remembered.cache_clear()
    for data in inputs_of(one):
        if len(met) == len(wanted):
            break
        sys.setprofile(note)
        try:
            one.run(data)
        finally:
            sys.setprofile(None)
    assert sorted(wanted[code].__qualname__ for code in wanted.keys() - met) == []


def code_of(function: Callable[..., Any]) -> Any:
    return inspect.unwrap(function).__code__


def parsers() -> dict[str, Callable[..., Any]]:
    """Public functions of core, and methods that make an object, which are given text, bytes or
    JSON: what may read something a stranger wrote."""
    found: dict[str, Callable[..., Any]] = {}
    for module in pkgutil.walk_packages(core.__path__, "trace.core."):
        here = importlib.import_module(module.name)
        for name, value in vars(here).items():
            if name.startswith("_") or getattr(value, "__module__", "") != module.name:
                continue
            if inspect.isfunction(inspect.unwrap(value)) and reads(value):
                found[f"{module.name}.{name}"] = value
            elif inspect.isclass(value):
                for inner, member in vars(value).items():
                    made = isinstance(member, classmethod) and not inner.startswith("_")
                    if made and reads(method := getattr(value, inner)):
                        found[f"{module.name}.{name}.{inner}"] = method
    return found


def reads(function: Callable[..., Any]) -> bool:
    given = [str(one.annotation) for one in inspect.signature(function).parameters.values()]
    kinds = ("str", "bytes", "JsonValue", "JsonObject", "object", "bytes | str", "Sequence[str]")
    return any(one in kinds or one.startswith("Mapping[str, object") for one in given)


def test_no_parser_of_core_is_forgotten() -> None:
    """A new one gets a target, or a line that says why it needs none."""
    found = parsers()
    covered = {code_of(function) for one in TARGETS.values() for function in one.covers}
    left = {name for name, function in found.items() if code_of(function) not in covered}
    spared = {
        name
        for name in left
        if name in SPARED or name.rpartition(".")[0].removeprefix("trace.core.") in SPARED_MODULES
    }
    assert sorted(left - spared) == []
    assert sorted(SPARED.keys() - left) == [], "they have a target, or are gone"
    assert len(found) - len(spared) > 80


def test_a_broken_parser_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A target that fails, one that is slow and one that grows like a square are told as such."""

    @target(seeds=[b"abc"], words=[b"x"])
    def probe(data: bytes) -> None:
        if b"xx" in data:
            raise ValueError(data)
        until = process_time() + 0.06
        while data == b"slow" and process_time() < until:
            pass

    one = TARGETS.pop("probe")
    monkeypatch.setattr(running, "SLOW", 0.05)
    tally = give_all(one, [*mutations(one, 400), b"slow", b"xx"])
    assert {find.key.split()[0] for find in tally.finds.values()} == {"ValueError", "slow"}
    assert min((find.data for find in tally.finds.values()), key=len) == b"xx"

    def square(data: bytes) -> None:
        until = process_time() + len(data) ** 2 / 6e8
        while process_time() < until:
            pass

    monkeypatch.setattr(growth, "TELLING", 0.01)
    steep = Target("square", square, (), list, (), 4000, (), 4000, heavy=False)
    assert growth.measure(steep)["steep"]


def test_a_corpus_is_small_and_holds_no_input_in_vain() -> None:
    files = sorted(CORPUS.glob("*.txt"))
    assert {file.stem for file in files} <= set(TARGETS)
    assert sum(file.stat().st_size for file in files) < MOST_BYTES
    for data in (b"", b"a\n\\", bytes(range(256)), "ế\u2028".encode()):
        assert bytes_of(line_of(data)) == data
        assert "\n" not in line_of(data)
    one = TARGETS["epc-tags"]
    again = chosen(one, [*inputs_of(one), *inputs_of(one), b"nothing new", b"nor here"])
    assert len(again) == len(set(again))
    steps = reached(one, b"")
    assert reached(one, one.seeds()[0]) - steps  # type: ignore[index] # a tuple here


def test_the_report_says_what_each_target_got() -> None:
    lines = report.known()
    page = report.page(lines)
    for name, line in lines.items():
        assert f"| {name} | {line['inputs']:,} |" in page
        assert line["slowest"] < 1
        assert line["finds"] == []


@pytest.mark.long
@NAMED
def test_nothing_breaks_a_parser_in_many_inputs(name: str) -> None:
    one = TARGETS[name]
    tally = give_all(one, mutations(one, MANY // 10 if one.heavy else MANY, seed=7))
    assert told(tally) == []


@pytest.mark.long
@NAMED
def test_time_grows_with_the_input_and_not_with_its_square(name: str) -> None:
    one = TARGETS[name]
    found = growth.measure(one)
    assert found["steep"] == []
    assert found["broken"] == []
    if one.longest <= growth.SMALL:
        assert found["seconds"] < 1, found["pattern"]
