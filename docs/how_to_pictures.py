"""What is photographed for each page of the how-to (docs/how-to/vi), by docs/screenshots.py.

Each page's pictures are `{page}-{number}.png`. What a picture needs is done first, through the
pages themselves, as the how-to tells it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from playwright.sync_api import Page, expect
from sqlalchemy import select

from docs.screenshots import Studio
from trace.extensions import db
from trace.jobs.registry import load_handlers
from trace.jobs.worker import run_pending
from trace.models import Job
from trace.services.senders import JOB_KIND, message_of

GROUP: Final = "HTX Rau Demo"
GROWER: Final = "Vườn bưởi Demo"
TRADER: Final = "Vựa rau Demo"
AUTHORITY: Final = "Chi cục Chất lượng Demo"
PIN: Final = "246810"

HOUSEHOLDS: Final = """Mã hộ,Tên hộ,Điện thoại
T01,Hộ minh họa Tư,0912345678
T02,Hộ minh họa Năm,không nhớ
T03,Hộ minh họa Sáu,
"""


def send(page: Page) -> None:
    """Presses the form's main button and waits for what follows."""
    with page.expect_navigation():
        page.locator("main form button[type=submit]:not([name=more])").last.click()


def code_of(studio: Studio) -> str:
    """The six digits of the newest message."""
    with studio.app.app_context():
        job = db.session.scalars(
            select(Job)
            .where(Job.kind == JOB_KIND, Job.payload.is_not(None))
            .order_by(Job.id.desc())
        ).first()
        found = re.search(r"\b\d{6}\b", message_of(job)["text"]) if job else None
    if found is None:
        raise RuntimeError("no code was sent")
    return found[0]


def link(page: Page, pattern: str) -> str:
    """The first address on the page that is of this form."""
    every = page.locator("main a").evaluate_all("all => all.map(a => a.getAttribute('href'))")
    return str(next(one for one in every if re.fullmatch(pattern, one)))


def register(studio: Studio) -> None:
    page = studio.stranger()
    studio.open(page, "/register")
    page.fill("[name=login]", "0987 654 321")
    studio.shoot(page, "dang-ky-1")
    send(page)
    page.fill("[name=code]", code_of(studio))
    with page.expect_navigation():
        page.get_by_role("button", name="Tiếp tục").click()
    page.fill("[name=organisation]", "Hộ rau Demo Bà Mận")
    page.fill("[name=ward_code]", "Xã Đan Phượng, Hà Nội")
    page.fill("[name=name]", "Người Demo")
    page.fill("[name=password]", "mật khẩu đủ dài 2026")
    studio.shoot(page, "dang-ky-2")
    send(page)
    studio.shoot(page, "dang-ky-3")
    page.context.clear_cookies()


def record(studio: Studio) -> None:
    page = studio.phone(GROUP)
    studio.open(page, "/producer/today")
    studio.shoot(page, "ghi-viec-1", "main > .buttons")
    cycle = link(page, r"/producer/cycles/\d+")
    studio.open(page, f"{cycle}/diary/spraying")
    page.fill("[name='inputs-0-name']", "Thuốc Demo 10EC")
    page.fill("[name='inputs-0-amount']", "20")
    page.fill("[name='inputs-0-interval_days']", "7")
    studio.shoot(page, "ghi-viec-2", "main")
    studio.open(page, "/producer/plans/jottings/new")
    page.fill("[name=sentence]", "Lá vàng ở góc vườn phía đông")
    studio.shoot(page, "ghi-viec-3", "main")


def without_signal(studio: Studio) -> None:
    page = studio.phone(GROUP)
    studio.open(page, "/producer/today")
    cycle = link(page, r"/producer/cycles/\d+")
    forms = [f"{cycle}/diary/{step}" for step in ("irrigating", "weeding")]
    page.evaluate(
        """async wanted => {
          await navigator.serviceWorker.ready;
          const reader = document.querySelector("meta[name=trace-reader]").content;
          const pages = await caches.open(`trace-pages-${reader}`);
          for (const one of wanted) {
            while (!(await pages.match(one))) await new Promise((next) => setTimeout(next, 100));
          }
        }""",
        forms,
    )
    page.context.set_offline(True)
    for form in forms:
        page.goto(studio.site + form)
        page.get_by_role("button", name="Ghi lại").click()
        expect(page.get_by_text("Đã giữ trong máy")).to_be_visible()
    page.goto(f"{studio.site}/producer/today")
    expect(page.locator(".outbox-line")).to_contain_text("chờ 2")
    studio.shoot(page, "khong-co-song-1")
    page.goto(f"{studio.site}/producer/outbox/")
    expect(page.locator("[data-outbox-list] > ol > li")).to_have_count(2)
    studio.shoot(page, "khong-co-song-2")
    page.fill("#pin-new", PIN)
    page.get_by_role("button", name="Đặt mã PIN").click()
    page.get_by_role("button", name="Khoá ngay").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    studio.shoot(page, "khong-co-song-3")
    page.fill("#outbox-pin", PIN)
    page.get_by_role("button", name="Mở khoá").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.context.set_offline(False)
    page.goto(f"{studio.site}/producer/outbox/")
    expect(page.locator("[data-outbox-list]")).to_contain_text("Không có việc nào")


def labels(studio: Studio) -> None:
    page = studio.phone(GROUP)
    studio.open(page, _lot(studio, page).replace("/batches/", "/labels/"))
    page.fill("[name=count]", "24")
    studio.shoot(page, "in-tem-1", "main")
    studio.shoot(page, "in-tem-2", "#preview")


def _lot(studio: Studio, page: Page) -> str:
    """The address of a lot that is at hand; registered first where there is none."""
    studio.open(page, "/producer/batches/?state=held")
    if not page.locator("main td a").count():
        studio.open(page, "/producer/batches/new")
        page.locator("[name=product]").select_option(index=1)
        page.fill("[name=quantity]", "40")
        page.get_by_role("button", name="Đăng ký lô").click()
        page.wait_for_url(re.compile(r"/producer/batches/\d+"))
        studio.open(page, "/producer/batches/?state=held")
    return link(page, r"/producer/batches/\d+")


def hand_over(studio: Studio) -> None:
    page = studio.phone(GROUP)
    lot = _lot(studio, page).rpartition("/")[2]
    studio.open(page, f"/producer/shipments/new?thing={lot}")
    page.fill("[name='lots-0-quantity']", "5")
    page.fill("[name=taker]", "Vựa rau Demo Yên Sở")
    studio.shoot(page, "giao-hang-1", "main")
    page.get_by_role("button", name="Ghi giao hàng").click()
    page.wait_for_url(re.compile(r"/producer/shipments/\d+"))
    studio.shoot(page, "giao-hang-2", "h2:has-text('Đưa cho')")


def recalled(studio: Studio) -> None:
    page = studio.phone(GROUP)
    code = studio.path("recalled").rpartition("/")[2]
    studio.open(page, f"/producer/batches/?q={code[:5]}-{code[5:]}")
    lot = link(page, r"/producer/batches/\d+")
    studio.open(page, lot)
    studio.shoot(page, "thu-hoi-1")
    studio.open(page, f"{lot}/destroy")
    studio.shoot(page, "thu-hoi-2", "main")


def households(studio: Studio) -> None:
    page = studio.phone(GROUP)
    studio.open(page, "/producer/households/new")
    page.fill("[name=name]", "Hộ minh họa Tám")
    studio.shoot(page, "moi-ho-1", "main")
    page = studio.phone(GROWER)
    studio.open(page, "/producer/members/invite")
    page.fill("[name=name]", "Cháu Hoa")
    page.locator("[name=role]").first.check()
    send(page)
    studio.shoot(page, "moi-ho-2")


def many(studio: Studio) -> None:
    page = studio.phone(GROUP)
    studio.open(page, "/producer/group/")
    studio.shoot(page, "ghi-nhieu-ho-1", "main")
    studio.open(page, "/producer/group/spraying")
    page.fill("[name='inputs-0-name']", "Thuốc Demo 10EC")
    page.fill("[name='inputs-0-amount']", "0,2")
    page.fill("[name='inputs-0-interval_days']", "7")
    studio.shoot(page, "ghi-nhieu-ho-2", "main fieldset.panel")


def weigh(studio: Studio) -> None:
    page = studio.phone(GROUP)
    studio.open(page, "/producer/weighing/new")
    page.locator("[name=product]").select_option(index=1)
    send(page)
    page.get_by_label("Gõ không cần dấu phẩy").check()
    boxes = page.locator("input.weight")
    for number, kilos in enumerate(("245", "180 + 65", "310")):
        boxes.nth(number).fill(kilos)
        boxes.nth(number).press("Enter")
    expect(page.locator("[data-saved]")).to_have_text("đã lưu")
    studio.shoot(page, "can-hang-1")
    with page.expect_navigation():
        page.get_by_role("button", name="Lưu và thành lô").click()
    studio.shoot(page, "can-hang-2")


def consents(studio: Studio) -> None:
    page = studio.phone(GROUP)
    studio.open(page, "/producer/paper/consent")
    studio.shoot(page, "giay-dong-y-1", "main .page h2")


def sheets(studio: Studio) -> None:
    page = studio.phone(GROUP)
    studio.open(page, "/producer/imports/")
    studio.shoot(page, "nhap-bang-tinh-1", "main")
    studio.open(page, "/producer/imports/new/households")
    file = {"name": "ho-thon-doai.csv", "mimeType": "text/csv", "buffer": HOUSEHOLDS.encode()}
    page.set_input_files("[name=file]", file)  # type: ignore[arg-type]  # a FilePayload
    send(page)
    with studio.app.app_context():
        load_handlers()
        run_pending()
    # The page looks by itself every two seconds until the file is read.
    expect(page.get_by_role("button", name="Ghi 2 dòng")).to_be_visible()
    studio.shoot(page, "nhap-bang-tinh-2", "main")


def receive(studio: Studio) -> None:
    page = studio.phone(TRADER)
    studio.open(page, "/producer/shipments/")
    studio.shoot(page, "nhan-hang-1", "main")
    studio.open(page, link(page, r"/producer/shipments/\d+/receive"))
    studio.shoot(page, "nhan-hang-2", "main")
    page.get_by_role("button", name="Nhận đủ").click()
    page.wait_for_url(re.compile(r"/producer/(shipments/\d+|batches/|today)"))
    studio.open(page, "/producer/shipments/receive")
    studio.shoot(page, "nhan-hang-3", "main")


def merge(studio: Studio) -> None:
    page = studio.phone(TRADER)
    studio.open(page, "/producer/batches/merge")
    page.locator("input[name='lots-0-take']").check()
    page.locator("[name=uncoded]").check()
    page.fill("[name=quantity]", "42")
    studio.shoot(page, "don-lo-1", "main")


def held(studio: Studio) -> None:
    page = studio.phone(AUTHORITY)
    studio.open(page, "/inspection/holds/")
    studio.shoot(page, "tam-giu-1")
    studio.open(page, link(page, r"/inspection/holds/\d+"))
    studio.shoot(page, "tam-giu-2")


def second_step(studio: Studio) -> None:
    page = studio.phone(AUTHORITY)
    studio.open(page, "/account/second-step/")
    studio.shoot(page, "hai-buoc-1", "main h1")
    studio.open(page, "/account/second-step/new")  # a secret that nobody keeps
    studio.shoot(page, "hai-buoc-2", "main h1")


def papers(studio: Studio) -> None:
    page = studio.phone(GROUP)
    studio.open(page, _lot(studio, page).replace("/batches/", "/papers/lots/"))
    studio.shoot(page, "giay-to-1", "main h1")
    studio.open(page, "/producer/papers/")
    studio.shoot(page, "giay-to-2", "main h1")


def trace_chain(studio: Studio) -> None:
    page = studio.phone(AUTHORITY)
    address = f"/inspection/chain/?of={studio.path('mixed').lstrip('/')}"
    studio.open(page, address)
    with page.expect_navigation():
        page.get_by_role("button", name="Rà cả chuỗi").click()
    studio.shoot(page, "tra-chuoi-2", "main h1")
    studio.open(page, address)
    studio.shoot(page, "tra-chuoi-1", ".chain-counts")


def inspect(studio: Studio) -> None:
    page = studio.phone(AUTHORITY)
    studio.open(page, "/inspection/inspections/new")
    page.fill("[name=lots]", studio.path("mixed").rpartition("/")[2])
    studio.shoot(page, "kiem-tra-1", "main h1")
    send(page)
    studio.open(page, link(page, r"/inspection/findings/new/\d+"))
    page.fill("[name=words]", "Sổ quầy thiếu phiếu nhận ngày 20/11")
    studio.shoot(page, "kiem-tra-2", "main h1")


def scan(studio: Studio) -> None:
    page = studio.stranger()
    studio.open(page, "/")
    page.fill("[name=code]", "7K3QM-P2XV4")
    studio.shoot(page, "quet-ma-1")
    for number, state in ((2, "complete"), (3, "recalled")):
        studio.open(page, studio.path(state))
        studio.shoot(page, f"quet-ma-{number}")


# By page, in an order that is also one of doing: what is handed over here is received there.
TAKERS: Final[dict[str, Callable[[Studio], None]]] = {
    "dang-ky": register,
    "ghi-viec": record,
    "khong-co-song": without_signal,
    "in-tem": labels,
    "giay-to": papers,
    "giao-hang": hand_over,
    "thu-hoi": recalled,
    "moi-ho": households,
    "ghi-nhieu-ho": many,
    "can-hang": weigh,
    "giay-dong-y": consents,
    "nhap-bang-tinh": sheets,
    "nhan-hang": receive,
    "don-lo": merge,
    "tra-chuoi": trace_chain,
    "kiem-tra": inspect,
    "tam-giu": held,
    "hai-buoc": second_step,
    "quet-ma": scan,
}
