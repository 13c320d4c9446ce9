"""The pages of keys: who holds them, in plain words, and what an owner may do with them."""

from __future__ import annotations

from datetime import timedelta

import orjson
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Flask
from sqlalchemy import select

from tests.functional.test_keys import read_keyrings
from tests.support.members import PASSWORD, Member, make_member, sign_in
from tests.support.pages import PageClient
from trace import clock
from trace.core.signing import PrivateKey, b64url
from trace.extensions import db
from trace.models import Audit, Key

INDEX = "/producer/keys/"


@pytest.fixture
def member(app: Flask, pages: PageClient) -> Member:
    made = make_member(app)
    sign_in(app, pages.client, made)
    return made


def keys_of(app: Flask, member: Member) -> list[Key]:
    with app.app_context():
        query = select(Key).where(Key.organisation_id == member.organisation_id).order_by(Key.id)
        return list(db.session.scalars(query))


def audited(app: Flask) -> list[str]:
    with app.app_context():
        return list(
            db.session.scalars(
                select(Audit.action).where(Audit.action.like("key.%")).order_by(Audit.id)
            )
        )


@pytest.mark.one_database
def test_the_page_says_in_plain_words_who_holds_the_key(pages: PageClient, member: Member) -> None:
    page = pages.get(INDEX)
    assert page.h1 == "Khoá ký của tổ chức"
    assert "Nền tảng giữ hộ" in page.text
    assert "phải tin nền tảng" in page.text
    assert "The platform holds it" in pages.get(page.link("English")).text


def test_an_owner_puts_a_new_key_in_the_place_of_the_old(
    app: Flask, pages: PageClient, member: Member
) -> None:
    page = pages.submit(pages.get(INDEX + "rotate"), {})
    assert "Đã thay khoá" in page.text
    old, new = keys_of(app, member)
    assert old.revoked_from == new.active_from
    assert audited(app) == ["key.rotate"]


def test_the_last_key_is_revoked_only_with_a_warning(
    app: Flask, pages: PageClient, member: Member
) -> None:
    asked = pages.get(pages.get(INDEX).link("Thu hồi khoá key-1"))
    assert "biểu mẫu không ghi được nữa" in asked.text
    page = pages.submit(asked, {})
    assert "Máy chủ không còn khoá nào" in page.text
    assert [key.revoked_from is None for key in keys_of(app, member)] == [False]
    assert audited(app) == ["key.revoke"]
    # Nothing is left to sign a second revocation with, and none is needed.
    pages.submit(asked, {"form_key": "x" * 22}, status=409)


def test_an_old_sign_in_is_asked_for_the_password_again(
    app: Flask, pages: PageClient, member: Member
) -> None:
    sign_in(app, pages.client, member, at=clock.now() - timedelta(minutes=11))
    asked = pages.get(INDEX + "rotate")
    again = pages.submit(asked, {"password": "sai rồi nhé"}, status=400)
    assert again.texts("//*[@id='e-password']") != []
    assert len(keys_of(app, member)) == 1
    pages.submit(again, {"password": PASSWORD})
    assert len(keys_of(app, member)) == 2


@pytest.mark.one_database
def test_a_fresh_sign_in_is_not_asked_for_the_password(pages: PageClient, member: Member) -> None:
    assert "password" not in pages.get(INDEX + "rotate").form().fields


@pytest.mark.one_database
def test_the_key_of_another_organisation_is_not_found(
    app: Flask, pages: PageClient, member: Member
) -> None:
    other = make_member(app, name="HTX Khác")
    (theirs,) = keys_of(app, other)
    pages.get(f"{INDEX}{theirs.id}/revoke", status=404)


def pem(key: PrivateKey) -> str:
    return (
        Ed25519PrivateKey.from_private_bytes(key.seed)
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def signed(text: str, key: PrivateKey) -> str:
    return f"{text}.{b64url(key.sign(text.encode()))}"


@pytest.mark.parametrize("form_of_key", ["pem", "jwk"])
def test_a_key_of_ones_own_is_registered_by_signing_its_record(
    app: Flask, pages: PageClient, member: Member, form_of_key: str
) -> None:
    own = PrivateKey.generate()
    text = (
        pem(own)
        if form_of_key == "pem"
        else orjson.dumps({**own.public.jwk, "use": "sig"}).decode()
    )
    page = pages.submit(pages.get(INDEX + "own"), {"public_key": text})
    (record,) = page.texts("//*[@id='signing-input']")
    refused = pages.submit(page, {"jws": signed(record, PrivateKey.generate())}, status=400)
    assert refused.texts("//*[@id='e-jws']") != []
    done = pages.submit(refused, {"jws": signed(record, own)})
    assert "Tổ chức tự giữ" in done.text
    _, key = keys_of(app, member)
    assert (key.custody, key.sealed, key.revoked_from) == ("own", None, None)
    assert orjson.loads(key.jwk) == own.public.jwk
    again = pages.submit(pages.get(INDEX + "own"), {"public_key": text}, status=409)
    assert again.texts("//*[@id='e-public_key']") != []


def test_a_record_signed_before_the_keyring_moved_is_signed_once_more(
    app: Flask, pages: PageClient, member: Member
) -> None:
    own = PrivateKey.generate()
    page = pages.submit(pages.get(INDEX + "own"), {"public_key": pem(own)})
    (before,) = page.texts("//*[@id='signing-input']")
    pages.submit(pages.get(INDEX + "rotate"), {})
    moved = pages.submit(page, {"jws": signed(before, own)}, status=409)
    (now,) = moved.texts("//*[@id='signing-input']")
    assert now != before
    pages.submit(moved, {"jws": signed(now, own)})
    assert [key.custody for key in keys_of(app, member)] == ["server", "server", "own"]


def test_without_a_server_key_an_own_key_signs_the_next_one_in(
    app: Flask, pages: PageClient, member: Member
) -> None:
    first, second = PrivateKey.generate(), PrivateKey.generate()
    page = pages.submit(pages.get(INDEX + "own"), {"public_key": pem(first)})
    (record,) = page.texts("//*[@id='signing-input']")
    pages.submit(page, {"jws": signed(record, first)})
    pages.submit(pages.get(pages.get(INDEX).link("Thu hồi khoá key-1")), {})
    page = pages.submit(pages.get(INDEX + "own"), {"public_key": pem(second)})
    (record,) = page.texts("//*[@id='signing-input']")
    page = pages.submit(page, {"jws": signed(record, second)}, status=409)
    kid = next(key.kid for key in keys_of(app, member) if key.custody == "own")
    header = b64url(orjson.dumps({"alg": "Ed25519", "typ": "trace-key+jwt", "kid": kid}))
    by_first = signed(f"{header}.{record.partition('.')[2]}", first)
    pages.submit(page, {"jws": by_first + "\n" + signed(record, second)})
    found = keys_of(app, member)
    assert [key.custody for key in found] == ["server", "own", "own"]
    with app.app_context():
        rings = read_keyrings(db.session)
        for key in found:
            state = rings.keys[key.kid]
            assert (state.start, state.end) == (key.active_from, key.revoked_from)


@pytest.mark.one_database
@pytest.mark.parametrize(
    "typed",
    ["", "khoá của tôi", "{", '{"kty":"EC","crv":"P-256"}', "-----BEGIN PUBLIC KEY-----\nAAAA\n"],
)
def test_what_is_no_public_key_is_refused_beside_its_box(
    pages: PageClient, member: Member, typed: str
) -> None:
    page = pages.submit(pages.get(INDEX + "own"), {"public_key": typed}, status=400)
    assert page.texts("//*[@id='e-public_key']") != []


@pytest.mark.one_database
def test_a_private_key_is_never_accepted(pages: PageClient, member: Member) -> None:
    key = PrivateKey.generate()
    typed = orjson.dumps({**key.public.jwk, "d": b64url(key.seed)}).decode()
    page = pages.submit(pages.get(INDEX + "own"), {"public_key": typed}, status=400)
    assert page.texts("//*[@id='e-public_key']") != []
