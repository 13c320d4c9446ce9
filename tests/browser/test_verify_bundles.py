"""A bundle checked in a real phone browser: on our page, and from a file without any server."""

from __future__ import annotations

import pytest
from playwright.sync_api import FilePayload, Page

from deploy.make_standalone import STANDALONE
from tests.support.browser import no_complaints, overflow, violations
from tests.support.server import LiveServer
from tests.support.verify_cases import MADE, Case, make_case

WITHOUT_ED25519 = """
const real = crypto.subtle.importKey.bind(crypto.subtle);
crypto.subtle.importKey = (format, key, algorithm, ...rest) =>
  algorithm === "Ed25519" || algorithm.name === "Ed25519"
    ? Promise.reject(new DOMException("Unrecognized name.", "NotSupportedError"))
    : real(format, key, algorithm, ...rest);
"""


def _file(name: str, content: bytes) -> FilePayload:
    return FilePayload(name=name, mimeType="application/octet-stream", buffer=content)


def _verdict(page: Page, case: Case) -> str:
    """Picks both files, presses the button, and gives the result's code."""
    page.clock.set_fixed_time(case.now)
    page.evaluate("document.querySelector('[data-result]').dataset.result = ''")
    page.set_input_files("[name=bundle-file]", _file("bundle.json", case.bundle))
    page.set_input_files("[name=policy-file]", _file("policy.txt", case.policy.encode()))
    page.click("form[data-verify] button")
    page.wait_for_selector("[data-result]:not([data-result=''])")
    return page.get_attribute("[data-result]", "data-result") or ""


def _text(page: Page) -> str:
    return page.inner_text("[data-result]")


def test_the_page_gives_each_bundle_its_reason_in_words(
    page: Page, live_server: LiveServer
) -> None:
    page.goto(live_server.url + "/verify")
    with no_complaints(page):
        for name in MADE:
            case = make_case(name)
            expected = case.answer[0]
            assert _verdict(page, case) == expected, name
            told = _text(page)
            if expected == "ok":
                assert "mang chữ ký của tổ chức được nêu tên" in told, name
                assert "chính trang đang xem gửi tới" in told
            else:
                assert f"Không khớp ở bước {case.answer[1]}/9" in told, name
                assert "mang chữ ký của tổ chức được nêu tên" not in told


def test_the_saved_file_gives_each_bundle_its_reason_without_a_server(page: Page) -> None:
    page.goto(STANDALONE.as_uri())
    with no_complaints(page):
        for name in MADE:
            case = make_case(name)
            assert _verdict(page, case) == case.answer[0], name
    assert "chính trang đang xem" not in _text(page)


def test_the_saved_file_takes_pasted_text_and_speaks_english(page: Page) -> None:
    case = make_case("good-withheld")
    page.goto(STANDALONE.as_uri() + "#en")
    page.clock.set_fixed_time(case.now)
    page.fill("[name=bundle-text]", case.bundle.decode())
    page.fill("[name=policy-text]", case.policy)
    page.click("form[data-verify] button")
    page.wait_for_selector("[data-result=ok]")
    told = _text(page)
    assert "each carries the named organisation's signature" in told
    assert "Whether there is a recall is not known" in told
    assert violations(page) == []
    assert overflow(page) == 0


@pytest.mark.parametrize("name", ["good", "bad-signature"])
def test_a_phone_without_ed25519_says_that_it_cannot_check(
    page: Page, live_server: LiveServer, name: str
) -> None:
    page.add_init_script(WITHOUT_ED25519)
    for address in (live_server.url + "/verify", STANDALONE.as_uri()):
        page.goto(address)
        assert _verdict(page, make_case(name)) == "cannot-check"
        told = _text(page)
        assert "Máy này không kiểm tra được" in told
        assert "chữ ký của tổ chức" not in told


def test_a_page_without_a_secure_connection_says_that_it_cannot_check(page: Page) -> None:
    page.add_init_script("Object.defineProperty(crypto, 'subtle', { value: undefined });")
    page.goto(STANDALONE.as_uri())
    assert _verdict(page, make_case("good")) == "cannot-check"


def test_a_history_through_several_logs_is_not_called_bad(page: Page) -> None:
    case = make_case("good")
    page.goto(STANDALONE.as_uri())
    later = case.bundle.replace(b'{"v":1,', b'{"v":2,"older":[],', 1)
    assert _verdict(page, Case(case.name, later, case.policy, case.now)) == "several-logs"
    told = _text(page)
    assert "chỉ đọc được một sổ" in told
    assert "Không khớp" not in told


def test_a_module_that_does_not_arrive_is_no_refusal(page: Page, live_server: LiveServer) -> None:
    page.route("**/sent/rare.js", lambda route: route.abort())
    page.goto(live_server.url + "/verify")
    assert _verdict(page, make_case("good")) == "failed"  # its approval by passkey needs that one
    assert "Không khớp" not in _text(page)


def test_a_policy_that_cannot_be_read_is_said_to_be_so(page: Page) -> None:
    case = make_case("good")
    page.goto(STANDALONE.as_uri())
    broken = Case(case.name, case.bundle, "trust me\n", case.now)
    assert _verdict(page, broken) == "bad-policy"
    assert "Không đọc được tệp chính sách" in _text(page)


def test_the_page_is_accessible_and_fits_before_and_after_a_check(
    page: Page, live_server: LiveServer
) -> None:
    page.goto(live_server.url + "/verify")
    assert violations(page) == []
    assert overflow(page) == 0
    for name in ("good-recalled", "chain-gap"):
        _verdict(page, make_case(name))
        assert violations(page) == []
        assert overflow(page) == 0


def test_nothing_that_is_picked_leaves_the_device(page: Page, live_server: LiveServer) -> None:
    page.goto(live_server.url + "/verify")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method + " " + request.url))
    _verdict(page, make_case("good"))
    assert [one for one in sent if not one.startswith(f"GET {live_server.url}/static/")] == []
