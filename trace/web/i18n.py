"""Catalogues of sentences (services.languages says which languages there are), read as they are.

Fragments `trace/translations/<language>/*.po` are merged into one catalogue in memory at first
use. There is no compiled file to forget: a language is a folder of text files. What it does not
say is said in English, what English does not say in Vietnamese.
"""

from __future__ import annotations

import io
from functools import cache

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import g, request
from flask_babel import Domain, get_locale

from trace.services import languages as spoken
from trace.services.languages import FALLBACK, SOURCE, languages
from trace.web.cookies import cookie_name

LANGUAGE = "lang"  # the cookie of the reader's choice


def catalogue(language: str) -> Catalog:
    """All fragments of one language; a msgid translated twice differently is an error."""
    whole = Catalog(locale=language)
    for path in sorted((spoken.FOLDER / language).glob("*.po")):
        with path.open("rb") as file:
            fragment = read_po(file, locale=language)
        for message in fragment:
            if not message.id:
                continue
            known = whole.get(message.id, message.context)
            if known is not None and known.string != message.string:
                raise ValueError(f"{path.name}: {message.id!r} is translated in two ways")
            whole.add(
                message.id, message.string, context=message.context, flags=tuple(message.flags)
            )
    return whole


@cache
def translations(language: str) -> Translations:
    """The language's catalogue, ready for gettext."""
    file = io.BytesIO()
    write_mo(file, catalogue(language))
    file.seek(0)
    made = Translations(file)
    if language not in (SOURCE, FALLBACK):
        made.add_fallback(translations(FALLBACK))
    return made


class FragmentDomain(Domain):  # type: ignore[misc]  # Flask-Babel carries no types
    """A Flask-Babel domain that reads our fragments rather than compiled files."""

    def get_translations(self) -> NullTranslations:
        locale = get_locale()
        return translations(locale.language) if locale else NullTranslations()


def select_locale() -> str:
    """`?lang=` first, then the signed-in person's, then the choice kept in the cookie, then
    the browser's; Vietnamese where nothing decides."""
    asked = request.args.get("lang", "")
    if asked in languages():
        return asked
    person = g.get("person")
    if person is not None and person.locale in languages():
        return str(person.locale)
    kept = request.cookies.get(cookie_name(LANGUAGE), "")
    if kept in languages():
        return kept
    return request.accept_languages.best_match(languages(), default=SOURCE) or SOURCE
