"""What others show of a page: the words and the picture of a link passed on (Open Graph), the same
facts for machines (schema.org Product), and the badge a shop puts on its own site.

Everything here is made from what the page itself shows, so nothing is told that the page keeps to
itself, and a notice stands first here too.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from typing import Any, Final

from flask import current_app, render_template
from flask_babel import force_locale
from PIL import Image, ImageDraw, ImageFont
from sqlalchemy import select

from trace.core.signing import JsonObject
from trace.errors import TraceError
from trace.extensions import db
from trace.models import Attachment
from trace.services.alerts import AlertView
from trace.services.attachments import read_kept
from trace.services.fonts import find_font
from trace.services.languages import local_name, territory_of
from trace.web.scan import showing
from trace.web.scan.marks import plain
from trace.web.scan.words import _

SIZE: Final = (1200, 630)  # what messengers crop nothing of
MARGIN, PICTURE = 60, 400
INK, SOFT, GROUND, LINE = "#16211a", "#4b5a50", "#f4f7f3", "#c9d3cb"
BANDS: Final = {"stop": ("#a81c1c", "#ffffff"), "warn": ("#fdf0d2", "#7a4b00")}
MAX_TEXT: Final = 200


def told(document: JsonObject, alerts: Sequence[AlertView], language: str) -> JsonObject:
    """Title, sentences and first notice, as the first screen has them; in a forced locale."""
    head = showing.head(document, language)
    notices = [showing.alert(alert, document["organisation"]) for alert in alerts]
    first = notices[0] if notices else None
    lines = [head["who"], head["ward"], *head["states"], *(text for text, _level in head["dates"])]
    return {
        "name": head["name"],
        "picture": head["picture"],
        "notice": first,
        "lines": [plain(line) for line in lines if line],
        "record": showing.strip(document, pending=False)["text"],
    }


def meta(document: JsonObject, shared: JsonObject, language: str) -> JsonObject:
    """Open Graph and schema.org of a page, in a forced locale. The address is that of the record: a
    package's own code is not passed on, or every friend who looks would seem to hold a copy."""
    path = document["thing"]["path"]
    site = current_app.extensions["trace.settings"].public_url
    notice = shared["notice"]
    title = f"{notice['title']}: {shared['name']}" if notice else shared["name"]
    text = " · ".join(shared["lines"])[:MAX_TEXT]
    # Messengers keep a picture by its address: other words, another address.
    stamp = sha256(f"{title}|{text}|{shared['picture']}".encode()).hexdigest()[:8]
    image = f"{site}/t{path}?format=preview&lang={language}&v={stamp}"
    return {
        "title": title,
        "text": text,
        "url": f"{site}/t{path}",
        "image": image,
        "width": SIZE[0],
        "height": SIZE[1],
        "locale": territory_of(language),
        "product": _product(document, shared, image),
    }


def _product(document: JsonObject, shared: JsonObject, image: str) -> JsonObject:
    """schema.org Product: names, codes and dates that were declared, and no more."""
    product, facts, maker = document["product"], document["facts"], document["organisation"]
    found: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Product",
        "name": shared["name"],
        "image": image,
        "sku": document["thing"]["code"],
    }
    if product and product["gtin"]:
        found["gtin"] = product["gtin"]
    if maker:
        found["manufacturer"] = {"@type": "Organization", "name": maker["name"]}
    if facts["harvest"] and facts["harvest"][0] == facts["harvest"][1]:
        found["productionDate"] = facts["harvest"][0]
    if product and product["net_weight"]:
        weight = {"@type": "QuantitativeValue", "value": product["net_weight"], "unitCode": "KGM"}
        found["weight"] = weight
    return found


def preview(document: JsonObject, alerts: Sequence[AlertView], language: str) -> bytes:
    """The picture of a link passed on: JPEG, 1200 by 630, no metadata."""
    with force_locale(language):
        shared = told(document, alerts, language)
        last = _("Quét mã để xem và tự kiểm tra hồ sơ")
    image = Image.new("RGB", SIZE, GROUND)
    draw = ImageDraw.Draw(image)
    top, left = MARGIN, MARGIN
    if shared["notice"]:
        ground, ink = BANDS[shared["notice"]["level"]]
        words = _wrapped(draw, shared["notice"]["title"], _font(56, bold=True), SIZE[0] - 120, 2)
        height = 60 + 68 * len(words)
        draw.rectangle((0, 0, SIZE[0], height), fill=ground)
        _write(draw, (MARGIN, 30), words, _font(56, bold=True), ink, 68)
        top = height + 40
    photo = _photo(shared["picture"])
    if photo is not None:
        side = min(PICTURE, SIZE[1] - top - 130)
        image.paste(photo.resize((side, side), Image.Resampling.LANCZOS), (MARGIN, top))
        left += side + 40
    room = SIZE[0] - left - MARGIN
    names = _wrapped(draw, shared["name"], _font(60, bold=True), room, 2)
    at = _write(draw, (left, top), names, _font(60, bold=True), INK, 72) + 10
    for sentence in shared["lines"]:
        if at > SIZE[1] - 190:
            break
        lines = _wrapped(draw, sentence, _font(36), room, 1)
        at = _write(draw, (left, at), lines, _font(36), SOFT, 48)
    draw.line((MARGIN, SIZE[1] - 110, SIZE[0] - MARGIN, SIZE[1] - 110), fill=LINE, width=2)
    foot = _wrapped(draw, f"{shared['record']} · {last}", _font(32), SIZE[0] - 120, 2)
    _write(draw, (MARGIN, SIZE[1] - 98), foot, _font(32), INK, 42)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=84, optimize=True)
    return file.getvalue()


def _photo(digest: str | None) -> Image.Image | None:
    """The product's picture, cut square; None where there is none to show any more."""
    if not digest:
        return None
    public = select(Attachment.digest).where(Attachment.digest == digest, Attachment.public)
    if db.session.scalar(public) is None:
        return None
    try:
        photo = Image.open(io.BytesIO(read_kept(digest, thumbnail=True))).convert("RGB")
    except (TraceError, OSError):
        return None
    side = min(photo.size)
    left, top = (photo.width - side) // 2, (photo.height - side) // 2
    return photo.crop((left, top, left + side, top + side))


@cache
def _font(size: int, *, bold: bool = False) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(find_font()[bold]), size)


def _wrapped(
    draw: ImageDraw.ImageDraw, text: str, font: ImageFont.FreeTypeFont, room: int, most: int
) -> list[str]:
    """At most `most` lines that fit into `room` pixels; the last ends with … if more was left."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if draw.textlength(longer, font=font) <= room or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    kept = lines[:most]
    if len(lines) > most:
        kept[-1] += " …"
    while kept[-1] and draw.textlength(kept[-1], font=font) > room:
        kept[-1] = kept[-1].removesuffix("…").rstrip()[:-1] + "…"
    return kept


def _write(
    draw: ImageDraw.ImageDraw,
    at: tuple[int, int],
    lines: Sequence[str],
    font: ImageFont.FreeTypeFont,
    ink: str,
    step: int,
) -> int:
    """Writes the lines below one another; where the next would begin."""
    left, top = at
    for line in lines:
        draw.text((left, top), line, font=font, fill=ink)
        top += step
    return top


def badge(document: JsonObject, alerts: Sequence[AlertView], language: str) -> bytes:
    """The badge for other sites, SVG of 320 by 56: the neutral line, or the notice that stands."""
    with force_locale(language):
        shared = told(document, alerts, language)
        said = {"title": _("Xem hồ sơ truy xuất"), "text": shared["record"], "level": ""}
        if shared["notice"]:
            notice = shared["notice"]
            said = {"title": notice["title"], "text": notice["by"], "level": notice["level"]}
        return render_template("scan/badge.svg", **said).encode()


def product_badge(values: JsonObject, language: str) -> bytes:
    """The badge of a product: its name, or the worst notice that stands on a lot on sale."""
    product, warned = values["product"], values["warned"]
    with force_locale(language):
        name = local_name(product.name, product.name_en, language)
        said = {"title": _("Xem hồ sơ truy xuất"), "text": name, "level": ""}
        if warned:
            notice = showing.alert(warned[0]["alert"])
            text = _("Lô %(code)s", code=warned[0]["code"])
            said = {"title": notice["title"], "text": text, "level": notice["level"]}
        return render_template("scan/badge.svg", **said).encode()
