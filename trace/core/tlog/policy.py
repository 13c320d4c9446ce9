"""Trust policies (C2SP tlog-policy): which logs, which witnesses, how many of them.

Rules.
1. Lines of items parted by spaces or tabs: `log <vkey> [<url>]`, `witness <name> <vkey> [<url>]`,
   `group <name> all|any|<k> <name>…`, and exactly one `quorum <name>|none`. Empty lines and lines
   that begin with `#` are passed over. Only tab, LF and bytes from 0x20 without 0x7F may occur.
2. A name is defined before it is used, once; as a member of a group it is used at most once. `none`
   is no name. No two logs and no two witnesses have the same public key.
3. A log's key has type 0x01 and bears the log's origin as its name; a witness's has type 0x04.
4. Our own additions are comments to everybody else: `#trace operator <name> <text>` names the
   people behind a witness; `#trace own <name>` says that the log's operator runs it. Further
   `#trace` lines are kept as directives for who reads more out of a policy.
5. A witness that the log's operator runs, or that has a log's key, counts for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from trace.core.signing import TrustError, Unreadable
from trace.core.tlog.checkpoints import Checkpoint
from trace.core.tlog.errors import NotWitnessed, Stale
from trace.core.tlog.notes import COSIGNATURE, ED25519, Note, Verifier, parse_note
from trace.errors import TraceError

NONE: Final = "none"
MAX_POLICY: Final = 1_000_000  # bytes
CLOCK_SKEW: Final = timedelta(minutes=5)
_FOREIGN = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")
_NUMBER = re.compile(r"[1-9][0-9]{0,5}")


class BadPolicy(TraceError):
    """A policy file that cannot be relied on."""

    code = "bad-policy"
    message = "Line %(line)s of the policy is not usable: %(reason)s."
    next_step = "Compare the file with the one its publisher gives out."


@dataclass(frozen=True, slots=True)
class PolicyLog:
    """A log that is accepted, and where it is served if the policy says so."""

    verifier: Verifier
    url: str | None = None


@dataclass(frozen=True, slots=True)
class PolicyWitness:
    """A witness: its name in the policy, its key, where it is asked, and who runs it.

    `operator` is the people's name (rule 4), else the name in the key. `own` marks a witness that
    counts for nothing (rule 5).
    """

    name: str
    verifier: Verifier
    url: str | None = None
    operator: str = ""
    own: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """At least `needed` of `members`, each the name of a witness or of an earlier group."""

    name: str
    needed: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Witnessed:
    """A checkpoint that satisfies a policy: the log's verifier that signed it, the independent
    witnesses that cosigned, each with its moment, and the newest of these moments."""

    checkpoint: Checkpoint
    log: Verifier
    cosigned: Mapping[str, datetime]
    newest: datetime | None


@dataclass(frozen=True, slots=True)
class TrustPolicy:
    """A policy that was read. `quorum` is the name of a witness or group, or `none`."""

    logs: tuple[PolicyLog, ...]
    witnesses: tuple[PolicyWitness, ...]
    groups: tuple[Group, ...]
    quorum: str
    directives: tuple[tuple[str, str], ...] = field(default=())

    def log_verifiers(self, origin: str) -> list[Verifier]:
        """The keys under which this origin signs: two while its key is being changed."""
        return [log.verifier for log in self.logs if log.verifier.name == origin]

    def satisfied_by(self, names: Collection[str]) -> bool:
        """Whether these witnesses, by their names in the policy, make the quorum (rule 5)."""
        if self.quorum == NONE:
            return True
        reached = {w.name for w in self.witnesses if w.name in names and not w.own}
        for group in self.groups:  # members are defined before
            if len(reached.intersection(group.members)) >= group.needed:
                reached.add(group.name)
        return self.quorum in reached

    def cosignatures(self, note: Note, *, now: datetime) -> dict[str, datetime]:
        """{witness's name: moment} of the independent witnesses that cosigned the note.

        Raises NotWitnessed when a cosignature by a known key does not hold or lies in the future.
        """
        found: dict[str, datetime] = {}
        present = {(line.name, line.key_id) for line in note.signatures}
        for witness in self.witnesses:
            verifier = witness.verifier
            if witness.own or (verifier.name, verifier.key_id) not in present:
                continue
            try:
                moment = note.check(verifier)
            except TrustError as error:
                raise NotWitnessed(error.expected, error.got) from None
            if moment is None or moment > now + CLOCK_SKEW:
                raise NotWitnessed("a cosignature with a moment up to now", moment)
            found[witness.name] = moment
        return found

    def check(self, note: str, *, now: datetime, max_age: timedelta | None = None) -> Witnessed:
        """Reads a checkpoint that this policy accepts. Raises Unreadable, NotWitnessed, Stale."""
        opened = parse_note(note)
        checkpoint = Checkpoint.parse(opened.text)
        log = self._signed_by(opened, checkpoint.origin)
        cosigned = self.cosignatures(opened, now=now)
        if not self.satisfied_by(cosigned):
            raise NotWitnessed(f"the quorum {self.quorum}", ", ".join(sorted(cosigned)) or "none")
        newest = max(cosigned.values(), default=None)
        if max_age is not None and self.quorum != NONE:
            oldest = now - max_age
            if newest is None or newest < oldest:
                raise Stale(f"a cosignature after {oldest.isoformat()}", newest or "none")
        return Witnessed(checkpoint, log, cosigned, newest)

    def _signed_by(self, note: Note, origin: str) -> Verifier:
        known = self.log_verifiers(origin)
        if not known:
            names = sorted({log.verifier.name for log in self.logs})
            raise NotWitnessed(
                f"a checkpoint of {', '.join(names) or 'a log in the policy'}", origin
            )
        refusal: TrustError = NotWitnessed(f"a signature by {origin}", "none")
        for verifier in known:
            try:
                note.check(verifier)
            except TrustError as error:
                refusal = error
            else:
                return verifier
        raise NotWitnessed(refusal.expected, refusal.got)


def parse_policy(data: bytes) -> TrustPolicy:
    """Reads a policy file (rules 1 to 4). Raises BadPolicy with the number of the line."""
    return _Reader().read(data)


class _Reader:
    def __init__(self) -> None:
        self._logs: list[PolicyLog] = []
        self._witnesses: list[PolicyWitness] = []
        self._groups: list[Group] = []
        self._quorum: str | None = None
        self._names: set[str] = set()
        self._used: set[str] = set()
        self._operators: dict[str, str] = {}
        self._own: set[str] = set()
        self._directives: list[tuple[str, str]] = []

    def read(self, data: bytes) -> TrustPolicy:
        if len(data) > MAX_POLICY:
            raise BadPolicy(line=1, reason=f"the file has more than {MAX_POLICY} bytes")
        number = 0
        for number, line in enumerate(data.split(b"\n"), start=1):
            if _FOREIGN.search(line):
                raise BadPolicy(line=number, reason="it holds a control character")
            text = line.decode("utf-8", "surrogateescape").strip(" \t")
            try:
                self._line(text)
            except (Unreadable, ValueError) as error:
                raise BadPolicy(line=number, reason=_reason(error)) from None
        if self._quorum is None:
            raise BadPolicy(line=number, reason="the file ends without a quorum")
        return self._finish(self._quorum, number)

    def _line(self, text: str) -> None:
        words = [word for word in re.split(r"[ \t]+", text) if word]
        if words and words[0] == "#trace":
            self._directive(words[1:], text)
        elif not text or text.startswith("#"):
            return
        else:
            known = {
                "log": self._log,
                "witness": self._witness,
                "group": self._group,
                "quorum": self._set_quorum,
            }
            if words[0] not in known:
                raise ValueError(f"it begins with {words[0]}, not log, witness, group or quorum")
            known[words[0]](words[1:])

    def _directive(self, words: list[str], text: str) -> None:
        if len(words) < 2:
            raise ValueError("#trace needs a word and a value")
        word, value = words[0], text.split(words[0], 1)[1].strip(" \t")
        if word == "operator":
            name, _, operator = value.partition(" ")
            self._operators[name] = operator.strip(" \t")
        elif word == "own":
            self._own.add(value)
        else:
            self._directives.append((word, value))

    def _log(self, words: list[str]) -> None:
        vkey, url = _key_and_url(words)
        verifier = Verifier.parse(vkey)
        if verifier.kind != ED25519:
            raise ValueError("a log's key has type 1")
        if any(log.verifier.key == verifier.key for log in self._logs):
            raise ValueError("this log's key is listed twice")
        self._logs.append(PolicyLog(verifier, url))

    def _witness(self, words: list[str]) -> None:
        if len(words) < 2:
            raise ValueError("a witness needs a name and a key")
        name, (vkey, url) = words[0], _key_and_url(words[1:])
        self._define(name)
        verifier = Verifier.parse(vkey)
        if verifier.kind != COSIGNATURE:
            raise ValueError("a witness's key has type 4")
        if any(witness.verifier.key == verifier.key for witness in self._witnesses):
            raise ValueError("this witness's key is listed twice")
        self._witnesses.append(PolicyWitness(name, verifier, url))

    def _group(self, words: list[str]) -> None:
        if len(words) < 3:
            raise ValueError("a group needs a name, a number and members")
        name, needed, members = words[0], words[1], words[2:]
        for member in members:
            if member not in self._names:
                raise ValueError(f"{member} is not defined above")
            if member in self._used:
                raise ValueError(f"{member} is a member of a group already")
            self._used.add(member)
        count = {"all": len(members), "any": 1}.get(needed)
        if count is None:
            count = int(needed) if _NUMBER.fullmatch(needed) else 0
        if not 1 <= count <= len(members):
            raise ValueError(f"{needed} is not all, any, or a number from 1 to {len(members)}")
        self._define(name)
        self._groups.append(Group(name, count, tuple(members)))

    def _set_quorum(self, words: list[str]) -> None:
        if len(words) != 1 or self._quorum is not None:
            raise ValueError("there is one quorum, with one name")
        if words[0] != NONE and words[0] not in self._names:
            raise ValueError(f"{words[0]} is not defined above")
        self._quorum = words[0]

    def _define(self, name: str) -> None:
        if name == NONE or name in self._names:
            raise ValueError(f"the name {name} is taken")
        self._names.add(name)

    def _finish(self, quorum: str, number: int) -> TrustPolicy:
        names = {witness.name for witness in self._witnesses}
        for name in sorted({*self._operators, *self._own} - names):
            raise BadPolicy(line=number, reason=f"#trace names {name}, which is no witness")
        log_keys = [log.verifier.key for log in self._logs]
        witnesses = tuple(
            PolicyWitness(
                w.name,
                w.verifier,
                w.url,
                self._operators.get(w.name, "") or w.verifier.name,
                w.name in self._own or w.verifier.key in log_keys,
            )
            for w in self._witnesses
        )
        return TrustPolicy(
            tuple(self._logs), witnesses, tuple(self._groups), quorum, tuple(self._directives)
        )


def _key_and_url(words: list[str]) -> tuple[str, str | None]:
    if not 1 <= len(words) <= 2:
        raise ValueError("a key and at most one address are expected")
    return words[0], words[1] if len(words) == 2 else None


def _reason(error: Exception) -> str:
    if isinstance(error, Unreadable):
        return f"expected {error.expected}, got {error.got}"
    return str(error)
