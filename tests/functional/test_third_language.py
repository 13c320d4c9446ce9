"""A language is one file: what it does not say is said in English, and what English does not say in
Vietnamese."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import scoped_session

from tests.support.farms import Farm, make_farm, path_of
from tests.support.pages import PageClient
from trace.extensions import db
from trace.services import languages
from trace.web import addresses, i18n
from trace.web.scan import seen

pytestmark = [pytest.mark.usefixtures("now"), pytest.mark.one_database]
FRENCH = """
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\\n"

msgid "Hành trình"
msgstr "Le chemin"

msgid "Hạn dùng %(when)s"
msgstr "À consommer avant le %(when)s"

msgid "Thu hoạch"
msgstr "Récolte"
"""


def forget() -> None:
    for one in (languages.languages, i18n.translations, addresses.best_language):
        one.cache_clear()
    seen._worker.cache_clear()
    seen._encoded.cache_clear()


@pytest.fixture
def french(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One file more beside ours."""
    folder = tmp_path / "translations"
    (folder / "fr").mkdir(parents=True)
    (folder / "fr" / "fr.po").write_text(FRENCH.strip(), encoding="utf-8")
    for one in languages.FOLDER.iterdir():
        (folder / one.name).symlink_to(one)
    monkeypatch.setattr(languages, "FOLDER", folder)
    forget()
    yield
    monkeypatch.undo()
    forget()


@pytest.fixture
def farm(db_session: scoped_session[Any]) -> Farm:
    return make_farm(datetime(2026, 11, 8, 1, 0, tzinfo=UTC))


def test_the_shoppers_page_speaks_a_language_of_one_file(
    french: None, farm: Farm, app: Flask
) -> None:
    path = path_of(farm.reap(farm.sow(), kilos=1480.5, use_by=date(2026, 12, 24)))
    db.session.commit()
    page = PageClient(app.test_client(), language="fr-FR,fr;q=0.9").get(f"/t{path}")
    assert page.root.get("lang") == "fr"
    assert page.h1 == "Choy sum, 300 g"  # goods have an English name
    assert page.find("//h1/@lang") == ["en"]
    for words in (
        "À consommer avant le 24/12/2026",  # its own word
        "Le chemin",
        "Récolte",
        "You scanned this code",  # no word of its own: English
        "not declared",
        "1 480,5",  # numbers by its own marks
    ):
        assert words in page.text, words
    assert {"Tiếng Việt", "English"} <= set(page.texts("//footer//a"))
    vietnamese = PageClient(app.test_client()).get(f"/t{path}?lang=vi")
    assert vietnamese.link("Français").endswith("?lang=fr")
    # What English lacks is said in the source's words.
    with app.test_request_context():
        assert i18n.translations("fr").gettext("Không ai dịch câu này") == "Không ai dịch câu này"
    told = app.test_client().get("/t/worker.js").get_data(as_text=True)
    assert '"fr":"This page is a copy kept on this device' in told
    preview = app.test_client().get(f"/t{path}?format=preview&lang=fr")
    assert preview.mimetype == "image/jpeg"


def test_only_ours_are_there_without_it(app: Flask) -> None:
    assert languages.languages() == ("vi", "en")
    assert [languages.own_name(one) for one in ("vi", "en", "km")] == [
        "Tiếng Việt",
        "English",
        "ខ្មែរ",
    ]
    assert [languages.territory_of(one) for one in ("vi", "en", "km")] == [
        *("vi_VN", "en_GB", "km_KH")
    ]
