"""Keys, sealing, JOSE (RFC 7515, RFC 9864) and the strict encodings all signed bytes stand on."""

from trace.core.signing.encoding import (
    MAX_DEPTH,
    SAFE_INTEGER,
    JsonObject,
    b64url,
    b64url_bytes,
    check_depth,
    dumps,
    loads_strict,
    unb64url,
)
from trace.core.signing.errors import (
    BadSignature,
    DisclosureMismatch,
    IssuerMismatch,
    SealBroken,
    TrustError,
    Unreadable,
)
from trace.core.signing.jose import (
    Compact,
    Kid,
    parse_compact,
    parse_kid,
    sign_compact,
    verify_compact,
)
from trace.core.signing.keys import (
    PasskeyPublicKey,
    PrivateKey,
    PublicKey,
    seal_key,
    unseal_key,
)

__all__ = [
    "MAX_DEPTH",
    "SAFE_INTEGER",
    "BadSignature",
    "Compact",
    "DisclosureMismatch",
    "IssuerMismatch",
    "JsonObject",
    "Kid",
    "PasskeyPublicKey",
    "PrivateKey",
    "PublicKey",
    "SealBroken",
    "TrustError",
    "Unreadable",
    "b64url",
    "b64url_bytes",
    "check_depth",
    "dumps",
    "loads_strict",
    "parse_compact",
    "parse_kid",
    "seal_key",
    "sign_compact",
    "unb64url",
    "unseal_key",
    "verify_compact",
]
