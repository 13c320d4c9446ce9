"""Web push: messages to a browser that asked for them, through its maker's push service.

Standards: RFC 8030 (the request), RFC 8291 and RFC 8188 (the body, encrypted for the browser alone,
by `http_ece`), RFC 8292 (VAPID: who sends, signed with the platform's own P-256 key).

Rules.
1. The key pair is made once and sealed like other secrets (`services.sealing`). Browsers bind what
   they ask for to its public half: another key would silence every device.
2. A browser names the address it wants its messages at, so the address is an attacker's to choose:
   what is sent leaves by `services.outward`.
3. 404 and 410 say that the device is gone: it is forgotten. What it is asked to show is a title and
   the path of a page; who may read that page, the page decides.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import SplitResult

import http_ece  # type: ignore[import-untyped]  # ships no types
import orjson
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from trace.errors import NotFound, TraceError
from trace.extensions import db
from trace.models import Person, PushKey, PushSubscription
from trace.services import outward
from trace.services.sealing import reseal, seal, unseal
from trace.services.senders import NotSent
from trace.services.settings import current_settings

TIMEOUT: Final = 10  # seconds for each step of the exchange
DEADLINE: Final = 20.0  # and for the whole of it
AT_ONCE: Final = 16  # messages on their way in one process
DEVICES: Final = 10  # of one person; the oldest makes room
# A message nobody fetched within a day is of no use as an interruption; the application has it.
KEPT: Final = timedelta(days=1)
TOKEN_LIFE: Final = timedelta(hours=12)  # RFC 8292, section 2: at most 24
_PLACE: Final = "push-key"
_ONLY: Final = 1  # the row of the one key


class BadSubscription(TraceError):
    code = "bad-subscription"
    message = "This browser gave an address or keys that messages cannot be sent to: %(reason)s"
    next_step = "Turn notifications off and on again in the browser's settings for this site."


class DeviceGone(NotSent):
    """The push service knows the device no more."""

    def __init__(self) -> None:
        super().__init__(channel="push", reason="gone", lasting=True)


def contact() -> str:
    """Whom a push service may write to about us: as the settings say, or our own address."""
    settings = current_settings()
    named = settings.push_contact or settings.public_url
    return named if named.startswith(("mailto:", "https://")) else ""


def is_on() -> bool:
    """Whether messages can leave by web push at all: no service takes them from nobody."""
    return bool(contact())


# -- the platform's key ----------------------------------------------------------------------------


def public_key(*, at: datetime) -> str:
    """The public half as browsers want it (`applicationServerKey`, base64url); made when there is
    none. The caller commits."""
    return _key(at).public


def _key(at: datetime) -> PushKey:
    row = db.session.get(PushKey, _ONLY)
    if row is not None:
        return row
    private = ec.generate_private_key(ec.SECP256R1())
    number = private.private_numbers().private_value
    made = PushKey(
        id=_ONLY,
        public=_text(_point(private.public_key())),
        sealed=seal({"d": _text(number.to_bytes(32))}, _PLACE),
        created_at=at,
    )
    try:
        with db.session.begin_nested():
            db.session.add(made)
    except IntegrityError:  # another process made it first
        return db.session.get_one(PushKey, _ONLY, populate_existing=True)
    return made


def rewrap(old: bytes, new: bytes) -> int:
    """Seals the key anew under another key-encryption key; returns how many there are."""
    row = db.session.get(PushKey, _ONLY)
    if row is None:
        return 0
    row.sealed = reseal(row.sealed, _PLACE, old, new)
    return 1


# -- devices ---------------------------------------------------------------------------------------


def list_devices(person: Person) -> list[PushSubscription]:
    """The devices of a person, the newest first."""
    query = select(PushSubscription).where(PushSubscription.person_id == person.id)
    return list(db.session.scalars(query.order_by(PushSubscription.id.desc())))


def subscribe(
    person: Person, endpoint: str, p256dh: str, auth: str, *, device: str, at: datetime
) -> PushSubscription:
    """Keeps what a browser gave (PushSubscription.toJSON), under `device`'s words. The same browser
    again is the same row, and whoever uses it now is told. Raises BadSubscription."""
    check_subscription(endpoint, p256dh, auth)
    digest = hashlib.sha256(endpoint.encode()).digest()
    row = db.session.scalar(
        select(PushSubscription).where(PushSubscription.endpoint_hash == digest)
    )
    if row is None:
        for old in list_devices(person)[DEVICES - 1 :]:
            forget(old)
        row = PushSubscription(endpoint_hash=digest, endpoint=endpoint, created_at=at)
        db.session.add(row)
    row.person_id, row.p256dh, row.auth = person.id, p256dh[:120], auth[:40]
    row.device = device[:80]
    db.session.flush()
    return row


def unsubscribe(person: Person, device_id: int) -> None:
    """Forgets one of the person's devices. Raises NotFound."""
    row = db.session.get(PushSubscription, device_id)
    if row is None or row.person_id != person.id:
        raise NotFound
    forget(row)


def unsubscribe_endpoint(person: Person, endpoint: str) -> bool:
    """Forgets the device with this address, if it is the person's; whether there was one."""
    digest = hashlib.sha256(endpoint.encode()).digest()
    row = db.session.scalar(
        select(PushSubscription).where(
            PushSubscription.endpoint_hash == digest, PushSubscription.person_id == person.id
        )
    )
    if row is not None:
        forget(row)
    return row is not None


def forget(device: PushSubscription) -> None:
    """No more messages to this device."""
    db.session.delete(device)
    db.session.flush()


def check_subscription(endpoint: str, p256dh: str, auth: str) -> None:
    """Raises BadSubscription for what no message can be sent to."""
    try:
        outward.check_address(endpoint)
    except outward.BadAddress as error:
        raise BadSubscription(reason=error.reason) from None
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _bytes(p256dh))
        if len(_bytes(auth)) != 16:  # RFC 8291, section 3.2
            raise BadSubscription(reason="auth")
    except (ValueError, binascii.Error):
        raise BadSubscription(reason="p256dh") from None


# -- sending ---------------------------------------------------------------------------------------


def send(
    device: PushSubscription, payload: Mapping[str, str], *, urgency: str, at: datetime
) -> None:
    """Sends one message now. Raises NotSent, DeviceGone."""
    _post(request_for(device.endpoint, device.p256dh, device.auth, payload, urgency=urgency, at=at))
    device.sent_at = at


@dataclass(frozen=True, slots=True)
class PushRequest:
    """One message, encrypted and signed: all that sending still needs is the network."""

    parts: SplitResult
    body: bytes
    headers: Mapping[str, str]


def request_for(
    endpoint: str, p256dh: str, auth: str, payload: Mapping[str, str], *, urgency: str, at: datetime
) -> PushRequest:
    """The request of one message. Raises NotSent."""
    if not is_on():
        raise NotSent(channel="push", reason="off", lasting=True)
    try:
        parts = outward.check_address(endpoint)
    except outward.BadAddress:
        raise NotSent(channel="push", reason="bad-endpoint", lasting=True) from None
    body = encrypt(orjson.dumps(dict(payload)), p256dh, auth)
    headers = {
        "Authorization": authorization(parts, at=at),
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
        "TTL": str(int(KEPT.total_seconds())),
        "Urgency": urgency,
        "Topic": payload["tag"],  # the same message sent again replaces itself (RFC 8030, 5.4)
    }
    return PushRequest(parts, body, headers)


def post_each(requests: Sequence[PushRequest]) -> list[NotSent | None]:
    """Sends many at the same time, each to its own service; why each was not sent, None once it
    was. The database is not asked meanwhile."""

    def post(one: PushRequest) -> NotSent | None:
        try:
            _post(one)
        except NotSent as error:
            return error
        return None

    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(post, requests))


def _post(request: PushRequest) -> None:
    try:
        where = outward.look_up(request.parts)
        status = outward.ask(
            "POST",
            request.parts,
            where,
            body=request.body,
            headers=request.headers,
            step=TIMEOUT,
            until=time.monotonic() + DEADLINE,
        ).status
    except outward.Unreachable as error:
        raise NotSent(channel="push", reason=error.reason, lasting=error.lasting) from None
    if status in (404, 410):
        raise DeviceGone
    if not 200 <= status < 300:
        # 429 asks for patience; any other 3xx or 4xx will be said again.
        lasting = 300 <= status < 500 and status not in (408, 429)
        raise NotSent(channel="push", reason=f"http-{status}", lasting=lasting)


def encrypt(content: bytes, p256dh: str, auth: str) -> bytes:
    """The body of RFC 8291: `content` for the holder of these keys, in one record."""
    sealed: bytes = http_ece.encrypt(
        content,
        private_key=ec.generate_private_key(ec.SECP256R1()),  # one for each message
        dh=_bytes(p256dh),
        auth_secret=_bytes(auth),
        version="aes128gcm",
    )
    return sealed


def authorization(parts: SplitResult, *, at: datetime) -> str:
    """The VAPID header (RFC 8292, section 3): a JWT for this push service, and our public key."""
    row = _key(at)
    number = int.from_bytes(_bytes(unseal(row.sealed, _PLACE)["d"]))
    private = ec.derive_private_key(number, ec.SECP256R1())
    told = {
        "aud": f"https://{(parts.hostname or '').lower()}",
        "exp": int((at + TOKEN_LIFE).timestamp()),
        "sub": contact(),
    }
    head = _text(orjson.dumps({"typ": "JWT", "alg": "ES256"}))
    signing = f"{head}.{_text(orjson.dumps(told))}"
    r, s = decode_dss_signature(private.sign(signing.encode(), ec.ECDSA(hashes.SHA256())))
    return f"vapid t={signing}.{_text(r.to_bytes(32) + s.to_bytes(32))}, k={row.public}"


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    form = serialization.PublicFormat.UncompressedPoint
    return key.public_bytes(serialization.Encoding.X962, form)


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
