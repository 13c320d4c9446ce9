"""`?view=passport` and `?format=passport`: the digital passport of the goods, or their record, with
what is still missing by each rule."""

from __future__ import annotations

from typing import Any, Final

import orjson
from flask import Response

from trace.core.signing import JsonObject
from trace.services.languages import local_name
from trace.web.scan import showing, words
from trace.web.scan.words import _

MAX_STEPS: Final = 60  # of a page; the file has them all


def item_words() -> dict[str, str]:
    """What the items of the rules are called."""
    return {
        "name": _("Tên sản phẩm"),
        "gtin": _("Mã GTIN"),
        "picture": _("Hình ảnh sản phẩm"),
        "producer": _("Tên người làm ra"),
        "address": _("Địa chỉ người làm ra"),
        "producer_code": _("Mã của người làm ra"),
        "origin": _("Xuất xứ"),
        "trace": _("Các công đoạn"),
        "trace_places": _("Mã địa điểm của từng công đoạn"),
        "trace_code": _("Mã truy xuất"),
        "certificates": _("Giấy chứng nhận"),
        "produced": _("Ngày sản xuất, thu hoạch"),
        "expiry": _("Hạn dùng"),
        "warnings": _("Cảnh báo an toàn"),
        "model": _("Giống, nhãn hiệu, kiểu loại"),
    }


def title_of(paper: JsonObject) -> str:
    """What the paper is called."""
    return _("Hộ chiếu số") if paper["kind"] == "passport" else _("Hồ sơ truy xuất")


def rules_of(paper: JsonObject) -> list[JsonObject]:
    """Each rule in words: how many of its items are there, and which are not."""
    names = item_words()
    state_words: dict[str, str] = {
        "missing": _("còn thiếu"),
        "not-yet": _("chưa có (chưa bắt buộc)"),
        "none": _("không khai"),
        "private": _("chủ hàng giữ riêng"),
    }
    found = []
    for rule in paper["rules"]:
        items = rule["items"]
        absent = [
            {
                "name": names[one["item"]],
                "state": state_words[one["state"]],
                "missing": one["state"] == "missing",
            }
            for one in items
            if one["state"] != "given"
        ]
        found.append(
            {
                "title": rule["title"],
                "binding": rule["binding"],
                "given": sum(one["state"] == "given" for one in items),
                "all": len(items),
                "absent": absent,
                "missing": any(one["missing"] for one in absent),
            }
        )
    return found


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
