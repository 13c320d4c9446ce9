"""What is kept of a statement gives back every byte of it, and says so where something is gone."""

from __future__ import annotations

import json
from datetime import timedelta

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.golden.signed import EVENT, ISSUER, KEY, KID
from tests.golden.world import START, Stream, uuid4
from trace.core.signing import JsonObject, Unreadable, b64url, sign_compact, unb64url
from trace.core.statements import (
    Statement,
    build_statement,
    keep_changed,
    keep_jwt,
    keep_texts,
    kept_jwt,
    kept_texts,
)
from trace.core.statements.build import build_statements
from trace.core.statements.frame import TYP

OTHER_EVENT: JsonObject = {
    **EVENT,
    "trace:note": 'Cắt lứa 2, "rau" \\ null ~ [null] \u2028',
    "epcList": [f"https://trace.example/b/7K3QMP2XV4/{n}" for n in range(5)],
}


def built(event: JsonObject, stream: Stream) -> Statement:
    return build_statement(
        event,
        issuer=ISSUER,
        kid=KID,
        key=KEY,
        statement_id=uuid4(stream),
        valid_from=START + timedelta(milliseconds=7),
        salts=stream,
    )


@pytest.fixture
def statement() -> Statement:
    return built(OTHER_EVENT, Stream("keeping"))


def texts_of(statement: Statement) -> list[str | None]:
    return [one.text for one in statement.disclosures]


def test_what_is_kept_is_shorter_and_comes_back_byte_for_byte(statement: Statement) -> None:
    jwt, texts = statement.jwt, texts_of(statement)
    kept, disclosures = keep_jwt(jwt), keep_texts(texts)
    assert kept_jwt(kept) == jwt
    assert kept_texts(disclosures) == texts
    assert len(kept) < 0.7 * len(jwt)
    assert len(disclosures) < 0.8 * len(orjson.dumps(texts))


def test_who_signs_many_keeps_what_keeping_each_would() -> None:
    stream = Stream("together")
    for one in build_statements(
        [EVENT, OTHER_EVENT, {**EVENT, "ilmd": {}}],
        issuer=ISSUER,
        kid=KID,
        key=KEY,
        statement_ids=[uuid4(stream) for _ in range(3)],
        valid_from=START,
        salts=stream,
    ):
        assert one.kept == keep_jwt(one.jwt)
        assert one.disclosures == keep_texts(list(one.texts))


@pytest.mark.parametrize(
    "change",
    [
        lambda payload: json.dumps(payload).encode(),  # blanks
        lambda payload: orjson.dumps(dict(reversed(payload.items()))),  # another order
        lambda payload: orjson.dumps({**payload, "validFrom": "2026 11 20"}),
        lambda payload: orjson.dumps({**payload, "issuer": "did:web:other.example:o:X"}),
        lambda payload: orjson.dumps([payload]),
        lambda payload: b"no json",
    ],
)
def test_a_jwt_of_another_form_is_kept_as_it_is(statement: Statement, change: object) -> None:
    payload = orjson.loads(unb64url(statement.jwt.split(".")[1]))
    assert callable(change)
    jwt = sign_compact(change(payload), typ=TYP, kid=KID, key=KEY)
    assert keep_jwt(jwt) == jwt
    assert kept_jwt(jwt) == jwt


def test_a_disclosure_of_another_form_is_kept_as_it_is(statement: Statement) -> None:
    texts = texts_of(statement)
    array = orjson.loads(unb64url(texts[0] or ""))
    others = [b64url(json.dumps(array).encode()), b64url(b"no json"), b64url(b'"text"'), "not!b64"]
    kept = keep_texts([*others, *texts])
    assert orjson.loads(kept)[: len(others)] == others
    assert kept_texts(kept) == [*others, *texts]


def test_what_was_kept_before_as_texts_is_read_and_erased_all_the_same(
    statement: Statement,
) -> None:
    texts = texts_of(statement)
    before = orjson.dumps(texts).decode()
    assert kept_texts(before) == texts
    assert keep_changed(before, texts) == before
    gone = [None, *texts[1:]]
    assert orjson.loads(keep_changed(before, gone)) == gone


def test_erasing_one_leaves_the_others_in_their_form_and_it_may_come_back(
    statement: Statement,
) -> None:
    texts = texts_of(statement)
    kept = keep_texts(texts)
    erased = keep_changed(kept, [texts[0], None, *texts[2:]])
    assert orjson.loads(erased) == [
        None if at == 1 else e for at, e in enumerate(orjson.loads(kept))
    ]
    assert keep_changed(erased, texts) == kept


@pytest.mark.parametrize("kept", ["", "{}", "null", "[", "[1]", "[{}]", "[true]"])
def test_what_nobody_kept_is_refused(kept: str) -> None:
    with pytest.raises(Unreadable):
        kept_texts(kept)


@given(st.text(max_size=40))
def test_a_row_that_somebody_edited_reads_as_something_and_never_breaks(text: str) -> None:
    assert isinstance(kept_jwt(f"1 {text}"), str)
    assert kept_jwt(keep_jwt(text)) == text or text.startswith("1 ")
    assert isinstance(kept_jwt(f"1 {KID} x y z {text}"), str)
