"""The how-to with pictures: every page opens, every picture is there, every word is on a screen."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask
from PIL import Image

from docs.how_to_pictures import TAKERS
from tests.architecture.test_translations import sentences
from tests.support.members import make_member, sign_in
from tests.support.pages import PageClient
from trace.web import how_to

ROOT = Path(__file__).parents[2]
PAGES = [page.name for page in how_to.pages()]


def test_the_index_names_every_page_and_every_page_is_photographed() -> None:
    files = {path.stem for path in how_to.FOLDER.glob("*.md")} - {how_to.INDEX}
    assert set(PAGES) == files == set(TAKERS)
    for page in how_to.pages():
        assert page.pictures, page.name
        assert all(re.fullmatch(rf"{page.name}-\d+\.png", name) for name in page.pictures)


def test_every_picture_is_a_phones_screen_and_small() -> None:
    named = {name for page in how_to.pages() for name in page.pictures}
    assert named == {path.name for path in how_to.PICTURES.glob("*")}
    total = 0
    for name in named:
        path = how_to.PICTURES / name
        with Image.open(path) as picture:
            assert picture.size == tuple(side * how_to.DENSITY for side in (360, 640)), name
        assert how_to.size_of(name) == (360, 640)
        assert path.stat().st_size < 60_000, name
        total += path.stat().st_size
    assert total < 2_500_000


def test_words_in_slanted_type_are_words_of_the_screens() -> None:
    script = (ROOT / "static" / "app" / "words.js").read_text()
    said = {text.strip().rstrip(".:") for _, text in sentences()}
    said |= {text.strip().rstrip(".:") for text in re.findall(r'"([^"]+)"', script)}
    unknown = [
        f"{page.name}: {words}"
        for page in how_to.pages()
        for words in page.words
        if words.rstrip(".") not in said
    ]
    assert unknown == []


@pytest.mark.one_database
def test_every_page_opens_for_everybody_with_its_pictures_and_links(
    app: Flask, pages: PageClient
) -> None:
    index = pages.get("/producer/help/")
    assert "Trace-Reader" not in index.response.headers
    links = index.find("//article//a/@href")
    assert links == [f"/producer/help/{name}" for name in PAGES]
    seen = 0
    for address in links:
        page = pages.get(address)
        assert page.h1
        for picture in page.find("//article//img"):
            answer = pages.client.get(picture.get("src"))
            assert (answer.status_code, answer.mimetype) == (200, "image/png")
            assert picture.get("alt")
            seen += 1
        for link in page.find("//article//a/@href"):
            assert pages.client.get(link).status_code == 200, link
        assert "*" not in page.text
    assert seen >= len(PAGES)


@pytest.mark.one_database
def test_the_printed_page_has_them_all_and_a_member_is_led_to_them(
    app: Flask, pages: PageClient
) -> None:
    printed = pages.get("/producer/help/print")
    assert [one.get("id") for one in printed.find("//article/h2")] == PAGES
    for link in printed.find("//article//a/@href"):
        assert link.removeprefix("#") in PAGES
    sign_in(app, pages.client, make_member(app))
    today = pages.get("/producer/today")
    page = pages.get(today.link("Hướng dẫn có hình, mỗi trang một việc"))
    # Kept on the phone like every page of the console: to be read where there is no signal.
    assert page.response.headers["Trace-Reader"]


@pytest.mark.one_database
@pytest.mark.parametrize(
    "address", ["/producer/help/khong-co", "/producer/help/pictures/x.png", "/producer/help/index"]
)
def test_what_is_not_there_is_not_found(app: Flask, address: str) -> None:
    assert app.test_client().get(address).status_code == 404


def test_text_of_a_page_stays_text() -> None:
    told = how_to.to_html('Giá <b>1</b> & "2"\n\n1. một *hai*\n2. ba\n- bốn', str, str)
    assert told == (
        "<p>Giá &lt;b&gt;1&lt;/b&gt; &amp; &#34;2&#34;</p>\n"
        "<ol><li>một <b>hai</b></li><li>ba</li></ol>\n<ul><li>bốn</li></ul>"
    )
