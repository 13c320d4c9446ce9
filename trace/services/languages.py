"""The languages pages speak: Vietnamese, the source, English, and every other folder of sentences.

A language is a folder of text files (`trace/translations/<language>/*.po`), one file if it likes.
What it does not say yet is said in English, and what English does not say in Vietnamese. Names of
goods and people come in Vietnamese and often in English: whoever reads neither gets the English one
where there is one.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from babel.numbers import get_decimal_symbol, get_group_symbol

SOURCE: Final = "vi"
FALLBACK: Final = "en"
FOLDER = Path(__file__).resolve().parent.parent / "translations"


@cache
def languages() -> tuple[str, ...]:
    """The codes of all languages, the source first, English second."""
    others = (path.name for path in sorted(FOLDER.iterdir()) if any(path.glob("*.po")))
    return (SOURCE, FALLBACK, *(one for one in others if _is_new(one)))


def _is_new(code: str) -> bool:
    try:
        Locale.parse(code)
    except (UnknownLocaleError, ValueError):
        return False
    return code not in (SOURCE, FALLBACK)


@cache
def own_name(language: str) -> str:
    """What a language calls itself: "Tiếng Việt"."""
    locale = Locale.parse(language)
    name = locale.get_display_name() or language
    return name[:1].upper() + name[1:]


@cache
def territory_of(language: str) -> str:
    """Language and country as Open Graph wants them: "vi_VN"."""
    if language == FALLBACK:
        return "en_GB"  # days come before months
    likely = str(get_global("likely_subtags").get(language, language))
    return f"{language}_{likely.rpartition('_')[2]}" if "_" in likely else language


@cache
def number_marks(language: str) -> tuple[str, str]:
    """(between thousands, before decimals)."""
    return get_group_symbol(language), get_decimal_symbol(language)


def local_name(name: str | None, name_en: str | None, language: str) -> str:
    """A name in the reader's language where there is one."""
    return str((language != SOURCE and name_en) or name or "")
