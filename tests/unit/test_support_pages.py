"""The page checker itself: a good page passes, and each fault is found."""

from __future__ import annotations

import base64
import hashlib

import pytest
from werkzeug.test import TestResponse

from tests.support.pages import BrokenPage, Page, checked_page

POLICY = "default-src 'self'; script-src 'self' 'nonce-abc'"
GOOD = """<!doctype html>
<html lang="vi"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Lô hàng – Trace</title><link rel="stylesheet" href="/static/a.css">
<script type="application/json">{"a":1}</script><script nonce="abc">1</script></head>
<body><main><h1>Lô hàng</h1>
<form method="post" action="/batches"><input type="hidden" name="csrf_token" value="t">
<p id="hint">Số kg</p><label for="q">Khối lượng</label>
<input id="q" name="quantity" aria-describedby="hint" value="3">
<label>Đơn vị <select name="unit"><option value="KGM">kg</option>
<option value="GRM" selected>g</option></select></label>
<label><input type="checkbox" name="organic" checked> hữu cơ</label>
<label>Ghi chú <textarea name="note">a
b</textarea></label><button>Lưu</button></form>
<a href="https://elsewhere.example/">ra ngoài</a> <a href="tel:+84">gọi</a>
<img src="data:image/png;base64,AA" alt=""></main></body></html>"""


def check(body: str, policy: str = POLICY) -> Page:
    response = TestResponse(
        [body.encode()],
        "200 OK",
        {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy},  # type: ignore[arg-type]
        request=None,  # type: ignore[arg-type]
    )
    return checked_page("http://localhost/batches", response)


def test_a_good_page_passes() -> None:
    page = check(GOOD)
    assert (page.h1, page.title) == ("Lô hàng", "Lô hàng – Trace")
    assert "Khối lượng" in page.text
    assert '{"a":1}' not in page.text


def test_a_form_is_sent_as_a_browser_would_send_it() -> None:
    form = check(GOOD).form()
    assert (form.method, form.action) == ("post", "http://localhost/batches")
    assert form.filled({"quantity": "5"}) == {
        "csrf_token": "t",
        "quantity": "5",
        "unit": "GRM",
        "organic": "on",
        "note": "a\nb",
    }
    assert "organic" not in form.filled({"organic": None})


def test_filling_a_field_the_form_does_not_have_is_a_mistake() -> None:
    with pytest.raises(AssertionError, match="harvest"):
        check(GOOD).form().filled({"harvest": "1"})


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("<!doctype html>", "", "invalid HTML"),
        ("</h1>", "</h2>", "invalid HTML"),
        ('<html lang="vi">', "<html>", "html has lang"),
        ('<meta name="viewport" content="width=device-width">', "", "no viewport"),
        ("<title>Lô", "<title>Kho", "does not begin with the h1"),
        ("<h1>Lô hàng</h1>", "<h1>Lô hàng</h1><h1>Hai</h1>", "one h1"),
        ('<p id="hint">', '<p id="q">', "occurs 2 times"),
        ('aria-describedby="hint"', 'aria-describedby="help"', "points at nothing"),
        ('<label for="q">Khối lượng</label>', "", "no label for"),
        ("<button>Lưu</button>", "<button></button>", "nothing to read in"),
        ('<img src="data:image/png;base64,AA" alt="">', '<img src="/a.png">', "no alt"),
        ('href="/static/a.css"', 'href="https://fonts.example/a.css"', "loads from elsewhere"),
        ('action="/batches"', 'action="https://other.example/"', "loads from elsewhere"),
        ('<script nonce="abc">', "<script>", "inline script without"),
        ('<script nonce="abc">', '<script nonce="abd">', "inline script without"),
        ("<h1>", '<h1 style="color:red">', "style attribute"),
        ("<h1>", '<h1 onclick="x()">', "event handler"),
        ("</main>", "<style>a{}</style></main>", "inline style without"),
        ('href="tel:+84"', 'href="javascript:x()"', "runs code"),
        ("<main>", "<main></main><main>", "exactly one main"),
    ],
)
def test_the_fault_is_found(old: str, new: str, fault: str) -> None:
    assert old in GOOD
    with pytest.raises(BrokenPage, match=fault):
        check(GOOD.replace(old, new))


def test_a_page_without_a_policy_or_with_a_lax_one_is_broken() -> None:
    with pytest.raises(BrokenPage, match="no Content-Security-Policy"):
        check(GOOD, policy="")
    with pytest.raises(BrokenPage, match="lets any script run"):
        check(GOOD, policy="default-src 'self'; script-src 'self' 'nonce-abc' 'unsafe-inline'")


def test_an_inline_script_may_be_allowed_by_its_hash() -> None:
    digest = base64.b64encode(hashlib.sha256(b"1").digest()).decode()
    hashed = GOOD.replace('<script nonce="abc">', "<script>")
    assert check(hashed, policy=f"default-src 'self'; script-src 'sha256-{digest}'").h1


def test_the_title_of_a_page_with_errors_says_so_first() -> None:
    assert check(GOOD.replace("<title>Lô", "<title>Lỗi: Lô")).title.startswith("Lỗi: Lô hàng")
