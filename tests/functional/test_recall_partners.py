"""What a maker learns of its buyers' buyers before it signs a recall: how many, not who."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import Flask

from tests.support.farms import make_farm
from tests.support.members import make_member
from tests.support.recalls import case_of, client_of
from trace.jobs.worker import run_pending


def test_a_maker_who_only_prepares_or_rehearses_learns_no_buyer_of_its_buyers(
    app: Flask, now: datetime
) -> None:
    with app.app_context():
        at = now - timedelta(days=3)
        maker, trader, shop = (make_farm(at, name) for name in ("HTX Gốc", "Vựa Giữa", "Quầy Cuối"))
        lot = maker.register(100)
        maker.send(lot, trader, 100)
        trader.take(lot, maker, 100)
        trader.send(lot, shop, 40)
        shop.take(lot, trader, 40)
        owner = make_member(app, inside=maker.organisation.id)
    pages = client_of(app, owner, now)

    def prepare(**more: str) -> str:
        page = pages.submit(
            pages.get("/producer/recalls/new"), {"codes": lot, "act": "look", **more}
        )
        page = pages.submit(page, {"act": "go", "thing": page.form().fields["thing"], **more})
        return f"/producer/recalls/{case_of(page)}"

    for case in (prepare(), prepare(rehearsal="yes")):
        seen = pages.get(f"{case}/preview")
        assert "Vựa Giữa" in seen.text
        assert "1 nơi khác" in seen.text
        assert "Quầy Cuối" not in seen.text
        assert "Quầy Cuối" not in pages.client.get(f"{case}/preview?format=csv").get_data(
            as_text=True
        )
        reason = {"hazard": "quality", "grade": "2", "reason": "Dập nát khi chở"}
        pages.submit(pages.get(f"{case}/reason"), reason)
        board = pages.submit(pages.get(f"{case}/sign"), {"act": "sign"})
        with app.app_context():
            run_pending()
        # Signed, everybody must be called; a rehearsal calls nobody who did not agree.
        phones = pages.get(f"{case}/phones").text
        assert ("Quầy Cuối" in phones) == ("DIỄN TẬP" not in board.text)
        pages.submit(pages.get(f"{case}/close"), {"reason": "Xong"})
