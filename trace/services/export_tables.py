"""Which rows of which tables are an organisation's own, and so go into "my data".

Every table of the database is either read here, written into the file in another form (ELSEWHERE),
or left out with a reason that the file itself tells (LEFT_OUT); a test fails for one that is none
of these. A table belongs to the organisation by the columns that OWN names: they point to the
organisation itself, or to a row of another table that belongs to it.

Never written: binary columns and those in SECRETS. A column that points to something with a name
(NAMES) gives the name; other references stay numbers, to be joined with the `id` columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, LargeBinary, Select, Table, false, or_, select

from trace.extensions import Model

OWN: Final[dict[str, tuple[str, ...]]] = {
    "organisations": ("id",),
    "memberships": ("organisation_id",),
    "invitations": ("organisation_id",),
    "tokens": ("organisation_id",),
    "keys": ("organisation_id",),
    "applications": ("organisation_id",),
    "application_steps": ("application_id",),
    "application_papers": ("application_id",),
    "closings": ("organisation_id",),
    "successions": ("giver_id", "taker_id"),
    "succession_items": ("succession_id",),
    "places": ("organisation_id",),
    "area_codes": ("organisation_id",),
    "products": ("organisation_id",),
    "conversions": ("product_id",),
    "links": ("organisation_id",),
    "link_versions": ("link_id",),
    "households": ("organisation_id",),
    "certificates": ("organisation_id", "issuer_id"),
    "certificate_covers": ("certificate_id",),
    "catalogue_items": ("organisation_id",),
    "presets": ("organisation_id",),
    "plans": ("organisation_id",),
    "jottings": ("organisation_id",),
    "book_lines": ("organisation_id",),
    "weighing_sheets": ("organisation_id",),
    "weighing_lines": ("sheet_id",),
    "things": ("owner_id",),
    "holdings": ("holder_id",),
    "alerts": ("thing_id",),
    "handovers": ("giver_id", "taker_id"),
    "note_links": ("event_id",),
    "company_prefixes": ("organisation_id",),
    "crate_labels": ("organisation_id",),
    "label_ranges": ("organisation_id",),
    "label_bindings": ("range_id",),
    "label_prints": ("organisation_id",),
    "units": ("range_id",),
    "attachments": ("organisation_id",),
    "sensors": ("organisation_id",),
    "sensor_limits": ("sensor_id",),
    "sensor_watches": ("sensor_id",),
    "sensor_watch_things": ("watch_id",),
    "sensor_readings": ("sensor_id",),
    "imports": ("organisation_id",),
    "import_rows": ("import_id",),
    "scans": ("thing_id",),
    "requests": ("organisation_id",),
    "takedowns": ("organisation_id", "event_id"),
    "erasures": ("event_id",),
    "chain_audits": ("authority_id",),
    "check_lists": ("authority_id",),
    "findings": ("authority_id", "organisation_id"),
    "finding_answers": ("organisation_id",),
    "recalls": ("organisation_id", "proposer_id"),
    "recall_items": ("recall_id",),
    "recall_notices": ("recall_id",),
    "recall_holders": ("organisation_id",),
    "recall_amounts": ("holder_id",),
    "recall_answers": ("holder_id",),
    "rehearsal_consents": ("organisation_id",),
    "standing_decisions": ("organisation_id",),
    "accreditations": ("organisation_id",),
    "prefix_claims": ("organisation_id",),
    "directives": ("authority_id",),
    "directive_units": ("organisation_id", "directive_id"),
    "directive_files": ("unit_id", "directive_id"),
    "authority_reports": ("authority_id",),
    "delegations": ("giver_id", "taker_id"),
    "authority_rules": ("authority_id",),
    "credentials": ("organisation_id",),
    "portal_deliveries": ("organisation_id",),
    "named_queries": ("organisation_id",),
    "subscriptions": ("organisation_id",),
    "dead_letters": ("subscription_id",),
    "audit": ("organisation_id",),
}

# What people call them: (Vietnamese, English), for the list of contents.
TITLES: Final[dict[str, tuple[str, str]]] = {
    "organisations": ("Tổ chức", "Organisation"),
    "memberships": ("Thành viên và vai trò", "Members and their roles"),
    "invitations": ("Lời mời", "Invitations"),
    "tokens": ("Mã truy cập của máy", "Access tokens of machines"),
    "keys": ("Khóa ký (phần công khai)", "Signing keys, public halves"),
    "applications": ("Hồ sơ đăng ký", "File of registration"),
    "application_steps": ("Hồ sơ đăng ký: từng bước", "File of registration: steps"),
    "application_papers": ("Hồ sơ đăng ký: giấy tờ", "File of registration: papers"),
    "closings": ("Đóng tổ chức", "Closings"),
    "successions": ("Kế tục", "Successions"),
    "succession_items": ("Kế tục: từng thứ", "Successions: items"),
    "places": ("Nơi chốn", "Places"),
    "area_codes": ("Mã vùng trồng, mã đóng gói", "Planting-area and packing-house codes"),
    "products": ("Sản phẩm", "Products"),
    "conversions": ("Cân quy đổi", "Weights of units"),
    "links": ("Liên kết thêm vào sản phẩm, lô", "Links added to products and lots"),
    "link_versions": ("Liên kết: từng lần sửa", "Links: what each said before"),
    "households": ("Hộ thành viên", "Households"),
    "certificates": ("Giấy chứng nhận", "Certificates"),
    "certificate_covers": ("Giấy chứng nhận: phạm vi", "Certificates: what they cover"),
    "catalogue_items": ("Danh mục cây và vật tư", "Catalogue of crops and inputs"),
    "presets": ("Mẫu ghi sẵn", "Presets"),
    "plans": ("Việc dự định", "Plans"),
    "jottings": ("Ghi nhanh", "Jottings"),
    "book_lines": ("Sổ sách", "Books"),
    "weighing_sheets": ("Phiếu cân", "Weighing sheets"),
    "weighing_lines": ("Phiếu cân: từng hộ", "Weighing sheets: households"),
    "things": ("Lô, vụ, thùng đã tạo", "Lots, plantings and crates made"),
    "holdings": ("Đang giữ", "Holdings"),
    "alerts": ("Cảnh báo trên hàng", "Alerts on goods"),
    "handovers": ("Giao nhận", "Handovers"),
    "note_links": ("Trả lời qua phiếu giao", "Answers by delivery note"),
    "company_prefixes": ("Tiền tố GS1", "GS1 company prefix"),
    "crate_labels": ("Nhãn thùng in trước", "Crate labels issued ahead"),
    "label_ranges": ("Cuộn tem", "Label ranges"),
    "label_bindings": ("Tem đã gắn vào lô", "Stamps bound to lots"),
    "label_prints": ("Các lần in", "Printings"),
    "units": ("Từng tem", "Single stamps"),
    "attachments": ("Ảnh", "Photos"),
    "sensors": ("Máy đo", "Sensors"),
    "sensor_limits": ("Máy đo: giới hạn", "Sensors: limits"),
    "sensor_watches": ("Máy đo: các chuyến", "Sensors: journeys"),
    "sensor_watch_things": ("Máy đo: hàng của từng chuyến", "Sensors: goods of journeys"),
    "sensor_readings": ("Máy đo: số đo", "Sensors: readings"),
    "imports": ("Tệp bảng tính đã nhập", "Imported spreadsheets"),
    "import_rows": ("Tệp bảng tính: từng dòng", "Imported spreadsheets: rows"),
    "scans": ("Lượt quét", "Scan counts"),
    "requests": ("Yêu cầu về dữ liệu cá nhân", "Requests about personal data"),
    "takedowns": ("Nội dung đã gỡ", "Takedowns"),
    "erasures": ("Dữ liệu đã xoá", "Erasures"),
    "chain_audits": ("Kết quả rà chuỗi", "Audits of chains"),
    "check_lists": ("Danh mục kiểm tra", "Check-lists"),
    "findings": ("Kết quả kiểm tra phải khắc phục", "Findings of inspections"),
    "finding_answers": ("Giải trình về kết quả kiểm tra", "Answers to findings"),
    "recalls": ("Thu hồi, tạm giữ, khuyến cáo", "Recalls, holds, advice"),
    "recall_items": ("Thu hồi: hàng được nêu", "Recalls: goods named"),
    "recall_notices": ("Thu hồi: thông báo đã ký", "Recalls: signed notices"),
    "recall_holders": ("Thu hồi: phải trả lời", "Recalls to answer"),
    "recall_amounts": ("Thu hồi: số lượng", "Recalls: amounts"),
    "recall_answers": ("Thu hồi: trả lời", "Recalls: answers"),
    "rehearsal_consents": ("Đồng ý tham gia diễn tập", "Consent to rehearsals"),
    "standing_decisions": ("Quyết định về tổ chức", "Decisions about the organisation"),
    "accreditations": ("Công nhận", "Accreditations"),
    "prefix_claims": ("Tiền tố GS1 đã khai", "Claimed GS1 prefixes"),
    "directives": ("Chỉ đạo đã gửi", "Directives sent"),
    "directive_units": ("Chỉ đạo: từng đơn vị, câu trả lời", "Directives: units and answers"),
    "directive_files": ("Chỉ đạo: tệp kèm theo", "Directives: files"),
    "authority_reports": ("Báo cáo định kỳ", "Periodic reports"),
    "delegations": ("Uỷ quyền", "Delegations"),
    "authority_rules": ("Tham số của cơ quan", "Parameters of the authority"),
    "credentials": ("Chứng chỉ số đã cấp", "Credentials issued"),
    "portal_deliveries": ("Đã gửi cổng quốc gia", "Sent to the national portal"),
    "named_queries": ("Truy vấn đã đặt tên", "Named queries"),
    "subscriptions": ("Đăng ký nhận sự kiện", "Subscriptions to events"),
    "dead_letters": ("Sự kiện chưa gửi được", "Events that could not be delivered"),
    "audit": ("Nhật ký thao tác", "Audit log"),
}

# In the file, but not as a table: what makes their rows the organisation's.
ELSEWHERE: Final[dict[str, tuple[str, ...]]] = {
    "events": ("issuer_id",),  # events.jsonld and statements.jsonl
    "log_entries": (),  # beside each statement
    "log_checkpoints": (),  # checkpoint.txt
}

# Reason -> tables: (Vietnamese, English).
LEFT_OUT: Final[dict[tuple[str, str], tuple[str, ...]]] = {
    (
        "việc nội bộ của máy chủ, không nói thêm điều gì",
        "the server's own working, which says nothing more",
    ): (
        *("idempotency_keys", "jobs", "counters", "event_keys", "event_things", "passports"),
        *("scan_salts", "scan_visits", "push_keys", "recall_things", "pulses"),
        *("leases", "scan_cursors"),
    ),
    (
        "số đếm lại được từ sự kiện, và việc của nền tảng",
        "sums that can be counted again from the events, and the platform's own business",
    ): (
        *("organisation_sums", "area_sums", "figures_state", "counted_organisations"),
        *("platform_settings", "same_as"),
    ),
    ("sổ công khai, ai cũng tải được", "the public log, for anyone to fetch"): (
        *("log_state", "log_tiles", "log_witnesses"),
    ),
    (
        "của từng người, không của tổ chức: xem ở trang của người ấy",
        "a person's own, not the organisation's",
    ): (
        *("people", "sessions", "person_passkeys", "contact_codes", "notifications", "deliveries"),
        *("preferences", "push_subscriptions", "authenticators", "recovery_codes"),
        *("half_sign_ins", "factor_resets"),
    ),
    (
        "chưa duyệt thì chưa ghi gì; duyệt xong là sự kiện",
        "not recorded before it is approved, an event afterwards",
    ): ("pending_approvals",),
    (
        "của người quét và của thanh tra; tổng số lượt quét có ở bảng scans",
        "the visitors' and the inspectors'; sums are in the table scans",
    ): ("unit_scans", "copies"),
    (
        "của người mua theo dõi lô: tổ chức không được biết là ai",
        "the shoppers' who follow a lot: an organisation never learns who they are",
    ): ("follows", "follow_messages"),
    (
        "việc của cơ quan kiểm tra; phần nói về tổ chức ở trang Kiểm tra và trong sự kiện",
        "the inspecting authority's work; what concerns you is on the page of inspections",
    ): (
        *("inspections", "inspection_things", "inspection_events", "finding_things", "samples"),
        "risks",
    ),
    (
        "của người báo và của cơ quan; phần về hàng của bạn có ở trang Phản ánh về hàng",
        "the reporters' and the authorities'; what concerns your goods is on the page of reports",
    ): ("reports", "report_steps", "report_photos"),
}

SECRETS: Final = frozenset(
    {
        ("keys", "passkey"),  # credential identifiers
        ("note_links", "secret"),  # opens the answer page
        ("recall_holders", "secret"),  # the same
        # who decided or answered may be of another organisation's people
        ("recalls", "created_by"),
        ("recalls", "proposed_by"),
        ("recalls", "decided_by"),
        ("recalls", "first_signer"),
        ("recalls", "signer"),
        ("recalls", "ended_by"),
        ("recalls", "end_first"),
        ("organisations", "keyring_last"),
        ("imports", "mapping"),
        # who decided may be of another organisation's people
        ("application_steps", "person_id"),
        ("closings", "person_id"),
        ("erasures", "person_id"),
        ("check_lists", "created_by"),
        ("findings", "created_by"),
        ("findings", "closed_by"),
        ("requests", "person_id"),
        ("takedowns", "person_id"),
        ("directives", "person_id"),
        ("delegations", "given_by"),
        ("authority_rules", "set_by"),
        ("standing_decisions", "person_id"),
    }
)

NAMES: Final = {
    "organisations": "name",
    "people": "name",
    "places": "name",
    "products": "name",
    "households": "code",
    "things": "identity",
    "events": "statement_id",
}


def own_tables(mine: int) -> Iterator[tuple[str, tuple[str, ...], Select[Any]]]:
    """(name, columns, rows) of every table with what is the organisation's own."""
    tables = Model.metadata.tables
    for name in OWN:
        table = tables[name]
        shown = shown_columns(table)
        query: Select[Any] = select(table)
        chosen: list[ColumnElement[Any]] = []
        titles: list[str] = []
        for column in shown:
            target = _names(column)
            if target is None:
                chosen.append(column)
                titles.append(column.name)
                continue
            other = target.alias()
            key = next(iter(other.primary_key))
            query = query.outerjoin(other, key == column)
            chosen.append(other.c[NAMES[target.name]])
            titles.append(column.name.removesuffix("_id"))
        ordered = query.with_only_columns(*chosen).where(belongs(table, mine))
        yield name, tuple(titles), ordered.order_by(*table.primary_key)


def shown_columns(table: Table) -> list[Column[Any]]:
    """The columns that are written: nothing binary, no secrets."""
    return [
        column
        for column in table.columns
        if not isinstance(column.type, LargeBinary) and (table.name, column.name) not in SECRETS
    ]


def belongs(table: Table, mine: int) -> ColumnElement[bool]:
    """Which rows are the organisation's."""
    found: list[ColumnElement[bool]] = []
    for name in OWN.get(table.name) or ELSEWHERE.get(table.name, ()):
        column = table.c[name]
        parent = _target(column)
        if table.name == "organisations" or (parent is not None and parent.name == "organisations"):
            found.append(column == mine)
        elif parent is not None:
            key = next(iter(parent.primary_key))
            found.append(column.in_(select(key).where(belongs(parent, mine))))
    return or_(false(), *found)


def _target(column: Column[Any]) -> Table | None:
    key = next(iter(column.foreign_keys), None)
    return None if key is None else key.column.table


def _names(column: Column[Any]) -> Table | None:
    target = _target(column)
    return target if target is not None and target.name in NAMES else None
