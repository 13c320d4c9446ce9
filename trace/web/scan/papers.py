"""`?view=passport` and `?format=passport`: the digital passport of the goods, or their record, with
what is still missing by each rule."""

from __future__ import annotations

from typing import Any, Final

import orjson
from flask import Response

from trace.core.signing import JsonObject
from trace.services.languages import local_name
from trace.web.paper_words import item_words, rules_of, title_of
from trace.web.scan import showing, words
from trace.web.scan.words import _

MAX_STEPS: Final = 60  # of a page; the file has them all


def facts_of(paper: JsonObject, language: str) -> list[tuple[str, str]]:
    """The head of the paper, term by term; only what is known."""
    product, maker, dates = paper["product"], paper["producer"], paper["dates"]
    names = item_words()
    days = dates["produced"]
    facts: list[tuple[str, Any]] = [
        (names["name"], local_name(product["name"] or "", product["name_en"] or "", language)),
        (names["gtin"], product["gtin"]),
        (_("Lô"), product["lot"]),
        (names["model"], product["variety"]),
        (names["producer"], maker and local_name(maker["name"], maker["name_en"] or "", language)),
        (names["producer_code"], maker and maker["id"]),
        (names["address"], maker and maker["address"]),
        (names["origin"], "; ".join(paper["origin"])),
        (names["produced"], words.days_between(*days) if days else ""),
        (_("Hạn dùng"), dates["use_by"] and words.day(dates["use_by"])),
        (_("Dùng tốt nhất trước"), dates["best_before"] and words.day(dates["best_before"])),
        (names["certificates"], "; ".join(one["standard"] for one in paper["certificates"])),
        (names["trace_code"], paper["id"]),
    ]
    return [(term, str(value)) for term, value in facts if value]


def page_values(
    document: JsonObject, paper: JsonObject, language: str, path: str, keep: str
) -> dict[str, Any]:
    """What the template of the paper is given."""
    with words.speaking(language):
        steps = [
            {
                "title": words.step(step["step"], None, None),
                "day": words.moment(step["time"], step["tz"]),
                "where": step["place_name"] or step["ward"] or "",
                "code": step["place"] or "",
            }
            for step in paper["trace"]
        ]
        return {
            "head": showing.head(document, language),
            "title": title_of(paper),
            "facts": facts_of(paper, language),
            "steps": steps[:MAX_STEPS],
            "more": max(0, len(steps) - MAX_STEPS),
            "rules": rules_of(paper),
            "binds": paper["kind"] == "passport",
            "back_href": f"/t{path}{keep}",
            "file_href": f"/t{path}?format=passport",
        }


def answer_json(paper: JsonObject) -> Response:
    """The paper as a program reads it."""
    response = Response(orjson.dumps(paper), content_type="application/json")
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cache-Control"] = "no-cache"
    return response
