"""What the part "Bằng chứng" may say, sentence by sentence (formats §6), and what no public page
ever says (formats §6, screens)."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from babel.messages.extract import extract_from_dir
from flask import Flask
from lxml import html
from sqlalchemy.orm import scoped_session

from tests.conftest import create_app, settings_for
from tests.support.databases import SqliteDatabase, release
from tests.support.farms import Farm, item, make_farm, new, path_of
from trace.core import tlog
from trace.core.signing import PrivateKey
from trace.core.tlog import add_signatures, parse_note
from trace.extensions import db
from trace.models import LogCheckpoint
from trace.services import sequencer, witnessing
from trace.services.demo import access
from trace.services.diary import diary_entry
from trace.services.harvests import register_lot
from trace.services.log import current_state
from trace.services.log_keys import verifiers
from trace.web.i18n import catalogue

ROOT = Path(__file__).parents[2]
START = datetime(2026, 11, 8, 1, 0, tzinfo=UTC)
TODAY = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
Session = scoped_session[Any]
pytestmark = pytest.mark.one_database

DAY = r"\d\d/\d\d/\d{4}"
MOMENT = DAY + r", \d\d:\d\d"
# A name as people chose it: no sentence, so it ends nowhere in the middle of one.
NAME = r"[^.;%]{2,80}"
URN = r"urn:uuid:[0-9a-f-]{36}"

NOT_THE_TRUTH = (
    "Lời khai có đúng sự thật hay không: chữ ký cho biết ai nói và từ bao giờ, "
    "không thay kiểm nghiệm."
)
CUSTODY = "khoá do nền tảng giữ hộ|duyệt bằng khoá trên điện thoại|khoá do tổ chức tự giữ"
# Every sentence of the part, and why formats §6 allows it.
ALLOWED: dict[str, tuple[str, ...]] = {
    # the heading, the way back, and what is behind it: no statement about the record
    "vi": (
        rf"Bằng chứng: {NAME}",
        r"Về hành trình|JSON|English|Tự kiểm tra|Tự kiểm tra bằng chứng|Lưu tệp bằng chứng",
        rf"Đã kiểm tra gì|Điều không chứng minh được|Từng dòng( trang \d+/\d+)?|Mã: {NAME}",
        r"Dòng mới hơn|Dòng cũ hơn|Trước khi sửa",
        r"Báo vấn đề|Dữ liệu cá nhân của tôi|Mã|trang \d+/\d+",
        r"(Hộ chiếu số|Hồ sơ truy xuất) và phần còn thiếu",
        # each line shown carries the named organisation's signature …
        r"\d+/\d+ dòng mang chữ ký của tổ chức được nêu tên, khớp từng chữ đang hiện\.",
        r"Có \d+ dòng không khớp chữ ký; chưa rõ lỗi do ai",
        r"Dòng này không khớp chữ ký; chưa rõ lỗi do ai",
        # … and is in the log
        r"Các dòng này nằm trong sổ công khai, ở số thứ tự ghi bên dưới\.",
        r"Dòng mới nhất vào sổ công khai trong giây lát\.|Vào sổ công khai trong giây lát",
        # dates: a witness's, else the log's own
        rf"Hồ sơ chưa bị sửa từ {DAY} theo sổ",
        rf"Hồ sơ có dòng đã sửa hoặc huỷ; ghi từ {DAY} theo sổ",
        rf"{NAME} đã thấy sổ này; sửa các dòng này sau ngày {DAY} sẽ bị phát hiện\.",
        r"Ngày giờ là theo sổ của nền tảng; chưa có bên ngoài nào làm chứng\.",
        # as of T the operator signed that these chains end here, N fields are withheld
        rf"Lúc {MOMENT}, theo sổ, nền tảng đã ký rằng các chuỗi dòng này dừng ở đây\.",
        r"\d+ việc có trong sổ và không hiện ở đây\.",
        r"\d+ mục được chủ hàng giữ riêng; chữ ký vẫn kiểm được mà không cần chúng\.",
        # what is not proved
        NOT_THE_TRUTH,
        r"Ngoài các dòng này có còn việc nào không được khai hay không\.",
        r"Gói hàng trong tay bạn có đúng là gói được dán tem hay không: tem có thể bị sao chép\.",
        r"Khoá do nền tảng giữ hộ thì nền tảng cũng ký được; khoá tự giữ thì không\.",
    ),
    # the translations of these, see `english`
    "en": ("Tiếng Việt|JSON", rf"Evidence: {NAME}|Code: {NAME}"),
}
# A line of the list: what, when, who with custody, where in the log, its statement, its marks.
LINES: dict[str, tuple[str, ...]] = {
    "vi": (
        MOMENT,
        r"ghi sau \d+ ngày",
        rf"{NAME}( · (đã ký|sửa ngày {DAY}|huỷ ngày {DAY}: {NAME}))*( · ({CUSTODY}))?",
        rf"Số trong sổ: \d+( · ghi lúc {MOMENT})?",
        URN,
    ),
    "en": (
        MOMENT,
        r"recorded \d+ days? late(r)?|recorded \d+ days? later",
        rf"{NAME}( · (signed|corrected on {DAY}|voided on {DAY}: {NAME}))*( · {NAME})?",
        rf"{NAME}: \d+( · recorded {NAME})?",
        URN,
    ),
}

# What no public page says of goods or records, in the first column of screens' words and in
# formats §6; a sentence may *deny* such a thing, and is then named in DENIALS.
BANNED = {
    "vi": r"hàng thật|chính hãng|an toàn|sạch|nguyên vẹn|đảm bảo|bảo đảm|cam kết|sự thật|đầy đủ"
    r"|không có thu hồi|không bị thu hồi|chưa bị thu hồi|giả mạo|hàng giả|(?<!chưa )bị sửa"
    r"|nhật ký công khai|cách ly|dư \d|dư %|hết hạn|hộ chiếu|độc lập|chỉ nông dân|chỉ người trồng"
    r"|đã xác thực|chống giả",
    "en": r"genuine|authentic|\bsafe\b|safety|guarantee|\btrue\b|truth|complete|no recall"
    r"|not recalled|counterfeit|\bfake|forged|tamper|independent|only the farmer|passport"
    r"|quarantine|residue|expired|certainly|trustworthy|\bclean\b|intact",
}
# Sentences that name such a thing in order to deny it.
DENIALS = frozenset(
    {NOT_THE_TRUTH, "Hàng chưa có mã GTIN: đây là hồ sơ truy xuất, không phải hộ chiếu số."}
)
# The law's own name of a paper (Decree 37/2026, Art. 32); of goods without a GTIN it is denied.
PAPERS = frozenset({"Hộ chiếu số và phần còn thiếu"})
MEANT = DENIALS | PAPERS


# -- the worlds ------------------------------------------------------------------------------------


def publish() -> None:
    db.session.rollback()
    sequencer.publish(now=TODAY)
    db.session.commit()


def worlds(farm: Farm) -> dict[str, str]:
    """Addresses of things in every state that the part tells of."""
    found: dict[str, str] = {}
    cycle = farm.sow(performed_by="H07")
    farm.spray(cycle)
    found["grown"] = farm.reap(cycle)
    lot = new("b")
    wrong = register_lot(farm.record(), item(lot, 480), farm.facts())
    captured = farm.tell(wrong)
    farm.send(lot, make_farm(START, "Cửa hàng Demo"), 480)
    right = register_lot(farm.record(), item(lot, 408), farm.facts())
    farm.correct(captured, wrong, {**right, "eventTime": wrong["eventTime"]})
    found["corrected"] = lot
    entry = diary_entry(farm.record(), cycle, "weeding")
    told = farm.tell(entry)
    farm.send(found["grown"], None, 100)
    farm.correct(told, entry)
    found["voided"] = cycle
    shop = make_farm(START, "Chợ Demo", kind="retailer")
    shop.at = farm.at
    found["divided"] = farm.register(10)
    farm.send(found["divided"], shop, 5)
    shop.at = farm.at
    shop.take(found["divided"], farm, 5)
    found["recalled"] = farm.register(10)
    farm.notify("recall", found["recalled"], hazard="health")
    found["mixed"] = farm.mix([found["grown"], found["recalled"]], 5)
    found["boxed"] = farm.box(found["mixed"])
    late = register_lot(farm.record(), item(new("b"), 5), farm.facts())
    farm.tell(late, late=timedelta(days=5))
    publish()
    found["pending"] = farm.register(3)
    return found


@pytest.fixture(scope="module")
def demo(
    sqlite_database: SqliteDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Flask]:
    """The demonstration world, as visitors meet it."""
    folder = tmp_path_factory.mktemp("words")
    shutil.copyfile(sqlite_database.fresh().removeprefix("sqlite:///"), folder / "trace.db")
    app = create_app(settings_for(folder / "instance", f"sqlite:///{folder / 'trace.db'}"))
    with app.app_context():
        access.seed(now=TODAY)
        publish()
    yield app
    release(app)


def sentences(page: str) -> Iterator[tuple[str, bool]]:
    """(sentence, whether it stands in the list of lines) of the main part of a page."""
    main: Any = html.fromstring(page).xpath("//main|//footer")
    for part in main:
        for node in part.xpath(".//h1|.//h2|.//h4|.//p|.//li[not(.//p)]"):
            if node.xpath("ancestor::p"):
                continue
            text = " ".join(" ".join(node.itertext()).split())
            inside = bool(node.xpath("ancestor::ol[@class='tl']"))
            for one in [text] if inside else re.split(r" · (?=[A-ZĐ])", text):
                if one:
                    yield one, inside


def refused(page: str, language: str) -> list[str]:
    """The sentences of a proof that are not on the list."""
    allowed = [*ALLOWED[language], *(english() if language == "en" else ())]
    found = []
    for text, inside in sentences(page):
        rules = [*allowed, *(LINES[language] if inside else ())]
        if inside and (text in MARKS or text in {translated(one) for one in MARKS}):
            continue
        if not any(re.fullmatch(rule, text) for rule in rules):
            found.append(text)
    return found


@cache
def english() -> list[str]:
    """The Vietnamese list in English: the translation of an allowed sentence is allowed, no other.

    Made from the catalogue, so that a translation cannot say more than its original.
    """
    found = []
    for message in catalogue("en"):
        ids = message.id if isinstance(message.id, list | tuple) else (message.id,)
        strings = message.string
        texts = strings if isinstance(strings, list | tuple) else (strings,)
        for one in ids:
            if any(re.fullmatch(rule, sample(str(one))) for rule in ALLOWED["vi"]):
                found += [pattern(str(text)) for text in texts]
    return found


def sample(text: str) -> str:
    """A sentence with its places filled in, as it might be read."""
    filled = {"day": "22/11/2026", "time": "22/11/2026, 10:00", "who": "Đại học Demo"}
    return re.sub(r"%\((\w+)\)[a-z]", lambda m: filled.get(m[1], "3"), text)


def pattern(text: str) -> str:
    """A translation as a pattern."""
    parts = {"day": DAY, "time": MOMENT, "when": MOMENT, "who": NAME}
    pieces = re.split(r"%\((\w+)\)[a-z]", text)
    return "".join(
        re.escape(piece) if n % 2 == 0 else parts.get(piece, r"\d+")
        for n, piece in enumerate(pieces)
    )


# What history finds about a line, in words.
MARKS = frozenset(
    {
        "đã sửa",
        "chỉ bên giao khai",
        "chỉ bên nhận khai",
        "giờ nhận trước giờ giao",
        "ngày thu hoạch trước ngày bắt đầu vụ",
        "lượng ra nhiều hơn lượng vào",
        "thu hoạch sớm hơn nhãn thuốc yêu cầu",
    }
)


# -- what it may say -------------------------------------------------------------------------------


def proofs(app: Flask, paths: dict[str, str], language: str) -> Iterator[tuple[str, str]]:
    client = app.test_client()
    for name, path in paths.items():
        answer = client.get(f"/t{path}?view=proof&lang={language}")
        assert answer.status_code == 200, name
        yield name, answer.get_data(as_text=True)


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_proof_says_only_what_it_may(
    app: Flask, db_session: Session, now: datetime, language: str
) -> None:
    paths = {name: path_of(uri) for name, uri in worlds(make_farm(START)).items()}
    told = dict(proofs(app, paths, language))
    assert len(told) > 7
    assert [(name, one) for name, page in told.items() for one in refused(page, language)] == []
    for name, page in told.items():
        for text, _ in sentences(page):
            assert banned(text, language) is None, (name, text)


@pytest.mark.parametrize("language", ["vi", "en"])
def test_nor_does_it_over_the_demonstration_world(demo: Flask, language: str) -> None:
    with demo.app_context():
        paths = {
            one["path"]: one["path"]
            for one in access.describe()["addresses"]
            if re.match(r"/(b|01|h|00|c)/", one["path"])
        }
    client = demo.test_client()
    seen = 0
    for path in paths:
        answer = client.get(f"/t{path}?view=proof&lang={language}")
        if answer.status_code != 200:
            continue
        seen += 1
        page = answer.get_data(as_text=True)
        assert refused(page, language) == [], path
        assert [t for t, _ in sentences(page) if banned(t, language)] == [], path
    assert seen > 5


def test_a_sentence_of_another_kind_is_noticed() -> None:
    page = "<main><p>{}</p></main><footer></footer>"
    for text in ("Hàng thật.", "Mọi dòng đều đầy đủ.", "Sổ chỉ thêm, không xoá.", "An toàn"):
        assert refused(page.format(text), "vi") == [text]
    for text in ("This is genuine.", "The record is complete.", "The log only grows."):
        assert refused(page.format(text), "en") == [text]


# -- whose dates -----------------------------------------------------------------------------------


def trust(*cosigners: tuple[str, str, tlog.Cosigner]) -> None:
    path = witnessing.policy_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"log {verifier.vkey}" for verifier in verifiers(current_state().origin)]
    for name, operator, cosigner in cosigners:
        lines += [f"witness {name} {cosigner.verifier.vkey}"]
        lines += [f"#trace operator {name} {operator}"] if operator else []
    lines.append(f"group all any {' '.join(name for name, *_ in cosigners)}")
    lines.append("quorum all")
    path.write_text("\n".join(lines) + "\n")


def cosign(cosigner: tlog.Cosigner, at: datetime) -> None:
    newest = db.session.query(LogCheckpoint).order_by(LogCheckpoint.size.desc()).first()
    assert newest is not None
    line = cosigner.line(parse_note(newest.note).text, at)
    newest.note, newest.witnessed_at = add_signatures(newest.note, [line]), at
    db.session.commit()


def test_each_witness_is_named_by_its_operator_with_its_own_day(
    app: Flask, db_session: Session, now: datetime
) -> None:
    lot = make_farm(START).register(10)
    publish()
    one = tlog.Cosigner("w.example/one", PrivateKey.generate())
    two = tlog.Cosigner("w.example/two", PrivateKey.generate())
    trust(("one", "Đại học Demo", one), ("two", "Chi cục Demo", two))
    cosign(one, START + timedelta(days=1))
    cosign(two, START + timedelta(days=3))
    page = app.test_client().get(f"/t{path_of(lot)}?view=proof").get_data(as_text=True)
    texts = [text for text, _ in sentences(page)]
    for who, day in (("Đại học Demo", "09/11/2026"), ("Chi cục Demo", "11/11/2026")):
        told = f"{who} đã thấy sổ này; sửa các dòng này sau ngày {day} sẽ bị phát hiện."
        assert told in texts
    assert refused(page, "vi") == []


def test_the_operators_own_witness_is_no_witness_on_the_page(
    app: Flask, db_session: Session, now: datetime
) -> None:
    lot = make_farm(START).register(10)
    publish()
    own = tlog.Cosigner("trace.example/witness", PrivateKey.generate())
    trust(("own", "Trace", own))
    cosign(own, START + timedelta(days=1))
    page = app.test_client().get(f"/t{path_of(lot)}?view=proof").get_data(as_text=True)
    assert "đã thấy sổ này" not in page
    assert "Ngày giờ là theo sổ của nền tảng; chưa có bên ngoài nào làm chứng." in page
    assert refused(page, "vi") == []


# -- what no public page says ----------------------------------------------------------------------

PUBLIC = ("templates/scan", "templates/verify", "trace/web/scan", "trace/web/verify")


def banned(text: str, language: str) -> str | None:
    if text in MEANT or text in {translated(one) for one in MEANT}:
        return None
    found = re.search(BANNED[language], text, re.IGNORECASE)
    return found and found[0]


@cache
def translated(text: str) -> str:
    """A sentence in English."""
    message = catalogue("en").get(text)
    return str(message.string) if message is not None else ""


def public_sentences() -> Iterator[tuple[str, str]]:
    methods = [("**.py", "python"), ("**.html", "jinja2.ext:babel_extract")]
    options = {"**.html": {"trimmed": "true", "silent": "false"}}
    for folder in PUBLIC:
        found = extract_from_dir(ROOT / folder, method_map=methods, options_map=options)
        for file, line, message, _comments, _context in found:
            for text in message if isinstance(message, tuple) else (message,):
                if text:
                    yield f"{folder}/{file}:{line}", text


def test_no_public_sentence_claims_what_nobody_can_know() -> None:
    told = dict.fromkeys(text for _, text in public_sentences())
    assert len(told) > 150
    assert {text: banned(text, "vi") for text in told if banned(text, "vi")} == {}
    english_of: dict[str, list[str]] = {}
    for message in catalogue("en"):
        ids = message.id if isinstance(message.id, list | tuple) else (message.id,)
        strings = message.string if isinstance(message.string, list | tuple) else (message.string,)
        for one in ids:
            english_of.setdefault(str(one), []).extend(str(text) for text in strings)
    for text in told:
        assert english_of.get(text), text
        if text not in MEANT:
            assert [t for t in english_of[text] if banned(t, "en")] == [], text


def test_templates_of_public_pages_hold_no_words_outside_their_translations() -> None:
    for folder in PUBLIC[:2]:
        for path in (ROOT / folder).glob("*.html"):
            bare = re.sub(
                r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}", " ", path.read_text("utf-8"), flags=re.DOTALL
            )
            bare = re.sub(r"<(style|script).*?</\1>|<[^>]*>", " ", bare, flags=re.DOTALL)
            words = set(re.findall(r"[^\W\d_]{3,}", bare))
            assert words <= {"JSON", "Trace"}, (path.name, words)
