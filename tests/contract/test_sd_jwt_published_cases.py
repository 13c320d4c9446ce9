"""The published SD-JWT examples: a library issues each from its specification, ours reads it.

The specifications mark what is selectively disclosable and what the holder shows; structures the
statements never use (nested objects, recursion, general JSON) are put back all the same.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
from jwcrypto.jwk import JWK  # type: ignore[import-untyped]  # it has no types
from sd_jwt.holder import SDJWTHolder  # type: ignore[import-untyped]  # nor has it
from sd_jwt.issuer import SDJWTIssuer  # type: ignore[import-untyped]
from sd_jwt.utils.yaml_specification import (  # type: ignore[import-untyped]
    load_yaml_specification,
    remove_sdobj_wrappers,
)
from sd_jwt.verifier import SDJWTVerifier  # type: ignore[import-untyped]

from tests.golden.world import private_key
from trace.core.signing import b64url, loads_strict, unb64url
from trace.core.signing.sdjwt import unpack

FOLDER = Path(__file__).parents[3] / "shared" / "vectors" / "trust" / "sd-jwt"
FILES = sorted(path for path in FOLDER.glob("*.yml") if path.name != "settings.yml")
KEY = private_key("sd-jwt examples")
PRIVATE = JWK(**KEY.public.jwk, d=b64url(KEY.seed))


def presented(specification: dict[str, Any], shown: Any) -> tuple[dict[str, Any], list[str], Any]:
    """(payload, disclosures, claims as the library reads them) of an example that the library
    issues and presents (`shown` None: whole), signed by our key."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library's own deprecations are not ours to fix
        issuer = SDJWTIssuer(
            specification["user_claims"],
            PRIVATE,
            sign_alg="EdDSA",
            add_decoy_claims=specification.get("add_decoy_claims", False),
        )
        sd_jwt = issuer.sd_jwt_issuance
        if shown is not None:
            holder = SDJWTHolder(sd_jwt)
            holder.create_presentation(shown)
            sd_jwt = holder.sd_jwt_presentation
        read = SDJWTVerifier(sd_jwt, lambda *_: PRIVATE).get_verified_payload()
    jwt, *texts = sd_jwt.split("~")
    head, payload, signature = jwt.split(".")
    KEY.public.verify(unb64url(signature), f"{head}.{payload}".encode())
    return loads_strict(unb64url(payload)), [text for text in texts if text], read


@pytest.mark.skipif(not FILES, reason="the published specifications are not beside this clone")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_published_example_comes_back_as_its_author_wrote_it(path: Path) -> None:
    specification = load_yaml_specification(str(path))
    expected = remove_sdobj_wrappers(specification["user_claims"])
    payload, texts, _ = presented(specification, shown=None)
    done = unpack(payload, texts)
    assert json.loads(json.dumps(expected, default=str)) == done.claims
    assert set(done.shown) == set(texts)


@pytest.mark.skipif(not FILES, reason="the published specifications are not beside this clone")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_published_example_shows_what_its_holder_shows(path: Path) -> None:
    specification = load_yaml_specification(str(path))
    payload, texts, read = presented(specification, specification["holder_disclosed_claims"])
    done = unpack(payload, texts)
    assert set(done.shown) == set(texts)
    assert done.claims == read
