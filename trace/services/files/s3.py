"""Files in a bucket of a server that speaks S3.

Rules.
1. The SHA-256 of every file goes along as metadata and is compared whenever the file is read; the
   server is also told a checksum of the body, by which it refuses what arrived broken.
2. A name is given once: `If-None-Match: *` lets the server itself refuse a second file of the same
   name. A server that does not know that header takes the file again; as names of photos and papers
   are digests of their content, that changes nothing.
3. Every request is bounded: seconds to connect and to answer, tries, and bytes.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final
from urllib.parse import parse_qs, urlsplit

import botocore.session  # type: ignore[import-untyped]  # ships no types
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.exceptions import (  # type: ignore[import-untyped]
    BotoCoreError,
    ClientError,
    HTTPClientError,
)

from trace.services.counted import BUCKET, BUCKET_RETRIES
from trace.services.files.base import (
    CHUNK,
    WHOLE,
    Facts,
    FileBroken,
    FileMissing,
    FilesAway,
    FileTooLarge,
    Opened,
    check_name,
    check_size,
)

CONNECT: Final = 3  # seconds
ANSWER: Final = 20
TRIES: Final = 3
AT_ONCE: Final = 32  # connections of one process
_GONE: Final = ("404", "NoSuchKey", "NotFound")
_THERE: Final = ("412", "PreconditionFailed")
_DIGEST: Final = "trace-sha256"


class Bucket:
    """Files of `s3://BUCKET/PREFIX?endpoint=…&region=…`; without `key` the client looks for
    credentials itself (environment, role of the machine)."""

    kind = "s3"

    def __init__(self, address: str, key: str, secret: str) -> None:
        parts = urlsplit(address)
        more = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.bucket = parts.netloc
        self._prefix = f"{parts.path.strip('/')}/" if parts.path.strip("/") else ""
        endpoint = more.get("endpoint")
        self._client: Any = botocore.session.get_session().create_client(
            "s3",
            endpoint_url=endpoint,
            region_name=more.get("region", "us-east-1"),
            aws_access_key_id=key or None,
            aws_secret_access_key=secret or None,
            config=Config(
                connect_timeout=CONNECT,
                read_timeout=ANSWER,
                max_pool_connections=AT_ONCE,
                retries={"total_max_attempts": TRIES, "mode": "standard"},
                # Servers of one's own seldom have a name for each bucket.
                s3={"addressing_style": "path" if endpoint else "auto"},
            ),
        )

        self._client.meta.events.register("needs-retry.s3", _count_retry)

    def put(self, name: str, data: bytes, *, replace: bool = False) -> bool:
        check_size(len(data))
        return self._put(name, data, hashlib.sha256(data).digest(), replace=replace)

    def put_file(self, name: str, path: Path) -> None:
        check_size(path.stat().st_size)
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").digest()
            file.seek(0)
            self._put(name, file, digest, replace=True)
        path.unlink(missing_ok=True)

    def read(self, name: str) -> bytes:
        opened = self.open(name)
        if opened.size > WHOLE:
            raise FileTooLarge(got=opened.size, limit=WHOLE)
        return b"".join(opened.chunks)

    def open(self, name: str) -> Opened:
        with _asked():
            found = self._client.get_object(**self._at(name))
        size = int(found["ContentLength"])
        expected = found["Metadata"].get(_DIGEST, "")
        return Opened(size, _checked(found["Body"], name, size, expected))

    def facts(self, name: str) -> Facts | None:
        at = self._at(name)
        try:
            with _asked():
                found = self._client.head_object(**at)
        except FileMissing:
            return None
        digest = found["Metadata"].get(_DIGEST, "")
        return Facts(name, int(found["ContentLength"]), found["LastModified"], digest)

    def list(self, folder: str) -> Iterator[Facts]:
        more: dict[str, str] = {}
        while True:
            with _asked():
                page = self._client.list_objects_v2(
                    Bucket=self.bucket, Prefix=f"{self._prefix}{folder}/", **more
                )
            for one in page.get("Contents", ()):
                name = one["Key"].removeprefix(self._prefix)
                yield Facts(name, int(one["Size"]), one["LastModified"])
            if not page.get("IsTruncated"):
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def rename(self, name: str, to: str) -> None:
        # Copied by the server, metadata included, then removed: killed in between, there are two.
        source, target = self._at(name), self._at(to)
        try:
            with _asked():
                self._client.copy_object(**target, CopySource=source)
        except FileMissing:
            return
        self.remove(name)

    def remove(self, name: str) -> None:
        with _asked():
            self._client.delete_object(**self._at(name))

    def keeps_first(self, name: str) -> bool:
        """Whether the server itself refuses a second file of one name (rule 2)."""
        self.put(name, b"first", replace=True)
        try:
            return not self.put(name, b"second")
        finally:
            self.remove(name)

    def _at(self, name: str) -> dict[str, str]:
        return {"Bucket": self.bucket, "Key": self._prefix + check_name(name)}

    def _put(self, name: str, body: bytes | IO[bytes], digest: bytes, *, replace: bool) -> bool:
        once = {} if replace else {"IfNoneMatch": "*"}
        try:
            with _asked():
                self._client.put_object(
                    **self._at(name),
                    Body=body,
                    ChecksumSHA256=base64.b64encode(digest).decode(),
                    Metadata={_DIGEST: digest.hex()},
                    **once,
                )
        except _Taken:
            return False
        return True


class _Taken(Exception):
    """The server refused a second file of this name."""


def _count_retry(*, attempts: int, **_: object) -> None:
    """Asked by the client after each try whether another is needed: says nothing, and counts."""
    if attempts > 1:
        BUCKET_RETRIES.inc()


@contextmanager
def _asked() -> Iterator[None]:
    """What the client raises, in our words; counted. Raises FileMissing, FilesAway."""
    outcome = "away"
    try:
        yield
        outcome = "ok"
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in (*_GONE, *_THERE):
            outcome = "refused"
            raise (FileMissing if code in _GONE else _Taken) from None
        raise FilesAway from error
    except (BotoCoreError, HTTPClientError, OSError) as error:
        raise FilesAway from error
    finally:
        BUCKET.labels(outcome).inc()


def _checked(body: Any, name: str, size: int, expected: str) -> Iterator[bytes]:
    """The pieces of a body; the last one after the digest of all was found right."""
    digest, held, seen = hashlib.sha256(), b"", 0
    with _asked(), body:
        while piece := body.read(CHUNK):
            if held:
                yield held
            digest.update(piece)
            seen += len(piece)
            held = piece
    if seen != size or (expected and digest.hexdigest() != expected):
        raise FileBroken(name=name)
    if held:
        yield held
