"""A report in sentences for the people at the command line; they claim no more than was checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from trace.core.signing import JsonObject

VALID: Final = 0
NOT_VALID: Final = 1
UNUSABLE: Final = 2

_RECALL: Final = {
    "none-shown": "No recall is among the statements shown; that there is none, this cannot say.",
    "notice": "A notice reaches this.",
    "hold": "ON HOLD: a notice to stop selling for now reaches this.",
    "unknown": "Recall unknown: something that could carry one is not shown.",
    "recalled": "RECALLED: a recall reaches this.",
}
_INTERVAL: Final = {
    "kept": "Harvested {days} days after {product} was sprayed; its label asks {required}.",
    "short": "HARVESTED TOO EARLY: {days} days after {product}, whose label asks {required}.",
    "none-used": "The growers declared that no pesticide was used.",
    "private": "What was sprayed, or when, is not all shown.",
}
_SEEN: Final = {
    "first": "The first checkpoint of this log seen here; it is remembered.",
    "same": "The log of {size} entries that was seen here before.",
    "continues": "Continues the log of {size} entries that was seen here before.",
    "not-compared": "NOT COMPARED with the log of {size} entries seen here before: "
    "give a copy of the log by --mirror.",
}
_COPY: Final = {
    "same": "The bundle's checkpoint is that of the copy.",
    "continues": "The bundle's checkpoint is an earlier state of the copy.",
    "not-compared": "NOT COMPARED with the bundle: its checkpoint is newer than the copy. "
    "Fetch the copy again.",
}
_FILE: Final = {
    "same": "as signed",
    "other-size": "NOT of the size that the statement gives",
    "not-named": "NOT named by any statement shown",
    "unreadable": "cannot be read",
}
_FINDING: Final = {
    "withheld": "withheld",
    "erased": "erased by right of a person",
    "replayed": "the same statement again: it counts once, at its first place",
    "recorded-late": "recorded late",
    "recall-unknown": "recall unknown",
    "chain-gap": "between two logs",
    "interval-short": "harvested too early",
    "more-out-than-in": "amounts do not add up",
}


def sentences(status: int, told: JsonObject) -> list[str]:
    """The report of `program.check`, line by line."""
    if status == UNUSABLE:
        return [f"NOTHING CHECKED: {told['detail']}"]
    return list(_lines(told))


def _lines(told: JsonObject) -> Iterator[str]:
    if "code" in told:
        yield f"NOT VALID [{told['code']}]: {told['detail']}"
    elif told["valid"]:
        yield "VALID"
    else:
        yield "NOT VALID: " + _what_failed(told)
    if "statements" in told:
        yield from _bundle(told)
    if "files" in told:
        yield from _files(told["files"])
    if "mirror" in told:
        copy = told["mirror"]
        yield f"Copy of {copy['origin']}: {copy['size']} entries, made anew."
        yield from (
            f"  {one['code']} at {one['place']}: {one['detail']}" for one in copy["problems"]
        )
        if "bundle" in copy:
            yield _COPY[copy["bundle"]]
    if "seen" in told:
        yield _SEEN[told["seen"]["state"]].format(size=told["seen"]["size"])


def _what_failed(told: JsonObject) -> str:
    if told.get("mirror", {}).get("problems"):
        return "the copy of the log is not what its checkpoint says."
    return "there are files that no statement shown names as they are."


def _bundle(told: JsonObject) -> Iterator[str]:
    log, statements = told["log"], told["statements"]
    yield str(told["subject"])
    yield f"{_count(len(statements), 'statement')}, each signed by the organisation it names:"
    for issuer, number in sorted(Counter(one["issuer"] for one in statements).items()):
        yield f"  {issuer}: {number}"
    server = sum(one["custody"] == "server" for one in statements)
    if server:
        yield f"  {server} of them with keys that the platform keeps: the platform could sign too."
    flagged = sum(one["flagged"] for one in statements)
    if flagged:
        yield f"  {flagged} of them with a key that was later reported to be in other hands."
    yield f"They are in the log {log['origin']} of {_entries(log['size'])}."
    for one in told["older"]:
        rest = f", of which {one['size']} are left" if one["lost"] else ""
        ended = f"{one['origin']} ended at {_entries(one['ended'])}{rest}"
        yield f"The log was begun anew: {ended}."
    yield f"As of {told['receipt']} the operator signed that these chains end here."
    if told["witnesses"]:
        yield f"Seen by {', '.join(told['witnesses'])}, last at {told['witnessed']}."
    else:
        yield "No witness counts by this policy: dates are those of the log itself."
    if told["since"]:
        yield f"Changes made later than {told['since']} would be noticed."
    yield _RECALL[told["recall"]]
    if told["notices"] and told["recall"] == "unknown":
        yield f"Of what is shown, {_count(len(told['notices']), 'notice')} to look at:"
        yield from (f"  {one}" for one in told["notices"])
    interval = told["interval"]
    if interval["state"] in _INTERVAL:
        yield _INTERVAL[interval["state"]].format(**interval)
    yield from _findings(told)


def _findings(told: JsonObject) -> Iterator[str]:
    """What is found alike in many entries stands in one line."""
    places: dict[tuple[str, str, str], list[str]] = {}
    for one in told["findings"]:
        known = places.setdefault((one["code"], one["detail"], one["log"]), [])
        if one["index"] is not None:
            known.append(str(one["index"]))
    for (code, detail, log), indexes in places.items():
        said = _FINDING.get(code, code) + (f": {detail}" if detail else "")
        of = f" of {log}" if told["older"] and indexes else ""
        where = f" (entr{'y' if len(indexes) == 1 else 'ies'} {', '.join(indexes)}{of})"
        yield f"  {said}{where if indexes else ''} [{code}]"


def _files(files: list[JsonObject]) -> Iterator[str]:
    missing = [one for one in files if one["state"] == "missing"]
    for one in files:
        if one["state"] != "missing":
            yield f"  {one['name']}: {_FILE[one['state']]}"
    if missing:
        yield f"  {_count(len(missing), 'named file')} not in the folder."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _entries(number: int) -> str:
    return "1 entry" if number == 1 else f"{number} entries"
