"""What a page tells programs that read it aloud: moments as moments, names in their language."""

from __future__ import annotations

from datetime import date, datetime

from markupsafe import Markup, escape

from trace.services.languages import FALLBACK, SOURCE
from trace.web.scan import words

# Stands for a day in a sentence until the day is put there; no text of anybody's contains it.
PLACE = "\ue000"


def moment_tag(text: str, offset: str) -> Markup:
    """When something happened, by the clock of where it happened."""
    shown = words.moment(text, offset)
    try:
        at = datetime.fromisoformat(text)
        local = datetime.fromisoformat(f"2000-01-01T00:00:00{offset or '+00:00'}").tzinfo
    except ValueError:
        return escape(shown)
    if at.tzinfo is None:
        return escape(shown)
    stamp = at.astimezone(local).isoformat(timespec="minutes")
    return Markup('<time datetime="{}">{}</time>').format(stamp, shown)


def dated(sentence: str, iso: str) -> Markup:
    """A sentence made with PLACE, its day as a moment."""
    try:
        stamp = date.fromisoformat(iso[:10]).isoformat()
    except ValueError:
        return escape(sentence.replace(PLACE, words.day(iso)))
    tag = Markup('<time datetime="{}">{}</time>').format(stamp, words.day(iso))
    before, _, after = sentence.partition(PLACE)
    return escape(before) + tag + escape(after)


def plain(text: str) -> str:
    """A sentence without its marks."""
    return text.striptags() if isinstance(text, Markup) else text


def tongue(name_en: str | None, language: str) -> str:
    """The language that a name stands in where it is not the page's; else ""."""
    if language == SOURCE or (name_en and language == FALLBACK):
        return ""
    return FALLBACK if name_en else SOURCE


def foreign(language: str) -> str:
    """The language of what is told in Vietnamese on every page: wards, words of people."""
    return "" if language == SOURCE else SOURCE
