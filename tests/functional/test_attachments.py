"""Photos: re-encoded, without metadata, bounded, content-addressed, cached for ever."""

from __future__ import annotations

import io
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from PIL import Image
from werkzeug.test import TestResponse

from tests.support.fields import Console, open_console
from tests.support.pages import Page, PageClient, checked_page
from tests.support.photos import a_photo, bomb
from trace.extensions import db
from trace.models import Attachment
from trace.services.attachments import PHOTO_LIMIT, SIDE, NotAPhoto, PhotoTooLarge, read_photo


@pytest.fixture
def console(app: Flask, pages: PageClient, now: datetime) -> Console:
    return open_console(app, pages)


def send(console: Console, *photos: bytes, **entries: str) -> TestResponse:
    page = console.pages.get("/producer/batches/new")
    return send_again(console, page, *photos, product_name="Rau muống", quantity="5", **entries)


def send_again(console: Console, page: Page, *photos: bytes, **entries: str) -> TestResponse:
    data: dict[str, Any] = page.form().filled(entries)
    data["photos"] = [(io.BytesIO(photo), f"{n}.jpg") for n, photo in enumerate(photos)]
    return console.pages.client.post(
        "/producer/batches/new",
        data=data,
        content_type="multipart/form-data",
        headers={"Accept": "text/html"},
    )


def test_a_photo_goes_with_its_record_and_is_served_for_ever(console: Console) -> None:
    assert send(console, a_photo()).status_code == 303
    (line,) = console.events()
    (told,) = line.document["trace:attachments"]
    assert told["mediaType"] == "image/jpeg"
    for address in (f"/photos/{told['digest']}.jpg", f"/photos/small/{told['digest']}.jpg"):
        answer = console.app.test_client().get(address)
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "public, max-age=3600"
        assert answer.mimetype == "image/jpeg"
        answer.close()
    page = console.pages.get(f"/producer/events/{line.event_id}")
    assert page.find(f"//img[@src='/photos/{told['digest']}.jpg']")


def test_position_and_camera_are_gone_and_the_picture_stands_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    exif[0x010F] = "Camera Demo"
    exif.get_ifd(0x8825)[1] = "N"
    photo = read_photo(io.BytesIO(a_photo(80, 40, exif=exif)))
    with Image.open(io.BytesIO(photo.data)) as image:
        assert not image.getexif()
        assert image.size == (40, 80)
    assert b"Camera Demo" not in photo.data


def test_the_same_picture_is_one_file(console: Console, app: Flask) -> None:
    send(console, a_photo())
    send(console, a_photo(), a_photo())
    with app.app_context():
        assert db.session.query(Attachment).count() == 1
    assert len(console.events()[-1].document["trace:attachments"]) == 1


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_other_formats_become_jpeg_and_large_ones_small(form: str) -> None:
    photo = read_photo(io.BytesIO(a_photo(3000, 1000, form)))
    assert photo.data.startswith(b"\xff\xd8")
    assert (photo.width, photo.height) == (SIDE, SIDE // 3)


def test_a_transparent_picture_stands_on_white() -> None:
    file = io.BytesIO()
    Image.new("RGBA", (8, 8), (255, 0, 0, 0)).save(file, "PNG")
    photo = read_photo(io.BytesIO(file.getvalue()))
    with Image.open(io.BytesIO(photo.data)) as image:
        assert image.getpixel((4, 4)) == (255, 255, 255)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a photo at all",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"GIF89a" + bytes(40),
        a_photo()[:200],
        bomb(100, 100),
        b"%PDF-1.4",
    ],
    ids=["empty", "text", "svg", "gif", "cut", "short-pixels", "pdf"],
)
def test_what_is_not_a_photo_is_refused(data: bytes) -> None:
    with pytest.raises(NotAPhoto):
        read_photo(io.BytesIO(data))


@pytest.mark.parametrize("side", [8_000, 12_000, 60_000])
def test_a_decompression_bomb_is_refused_before_it_is_decoded(side: int) -> None:
    with pytest.raises(PhotoTooLarge):
        read_photo(io.BytesIO(bomb(side, side)))


def test_a_bad_photo_is_told_at_its_field_and_what_was_typed_is_kept(console: Console) -> None:
    answer = send(console, b"not a photo", note="giữ nguyên")
    assert answer.status_code == 400
    page = checked_page("/producer/batches/new", answer)
    assert "không phải ảnh" in page.texts("//*[@id='e-photos']")[0]
    assert page.form().fields["note"] == "giữ nguyên"
    assert console.events() == []


def test_a_good_photo_is_not_lost_to_another_fields_error(console: Console) -> None:
    answer = send(console, a_photo(), when="2027-01-01T00:00")
    page = checked_page("/producer/batches/new", answer)
    assert page.form().fields["photo"]
    assert "Ảnh này đã gửi xong" in page.text
    assert send_again(console, page, when="2026-11-22T08:00").status_code == 303
    assert console.events()[0].document["trace:attachments"]


def test_more_photos_than_fit_are_refused(console: Console) -> None:
    photos = [a_photo(10 + n, 10) for n in range(PHOTO_LIMIT + 1)]
    answer = send(console, *photos)
    assert answer.status_code == 400
    assert "tối đa 6 ảnh" in answer.get_data(as_text=True)


def test_an_upload_beyond_the_limit_is_told_so(console: Console, app: Flask) -> None:
    app.config["MAX_CONTENT_LENGTH"] = 100_000
    answer = send(console, bytes(200_000))
    assert answer.status_code == 413
    assert "Tệp quá lớn" in answer.get_data(as_text=True)
    assert console.events() == []


@pytest.mark.parametrize("digest", ["..%2F..%2Fetc%2Fpasswd", "x" * 43, "short", "a" * 42 + "."])
def test_only_digests_of_kept_photos_are_found(app: Flask, digest: str) -> None:
    client = app.test_client()
    assert client.get(f"/photos/{digest}.jpg").status_code == 404
    assert client.get(f"/photos/small/{digest}.jpg").status_code == 404
