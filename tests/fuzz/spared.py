"""Functions of core that take text or bytes and have no target, each with the reason."""

from __future__ import annotations

from typing import Final

WRITES: Final = "writes what our own code gives it; what it wrote is read by a target"
WORDS: Final = "our own words"
OURS: Final = "is given what a parser let through, with our own names"
# By module, without `trace.core`: all that is public in it.
SPARED_MODULES: Final[dict[str, str]] = {
    "charts.layers": "draws what was read",
    "charts.widths": "draws what was read",
    "epcis.vocabulary": WORDS,
    "history.dates": OURS,
    "history.divisions": OURS,
    "history.findings": OURS,
    "history.journeys": OURS,
    "history.yields": OURS,
    "labels.images": WRITES,
    "statements.chains": "identities that a parser made",
    "totp": "a secret of ours; what is typed goes to matching_step, which has a target",
}
SPARED: Final[dict[str, str]] = {
    "trace.core.epcis.parts.json_name": WORDS,
    "trace.core.epcis.schema.event_schema": WORDS,
    "trace.core.labels.linear.gs1_128": "an SSCC of ours",
    "trace.core.labels.sheets.label_sheet_pdf": "a title of ours",
    "trace.core.signing.jose.header_bytes": WRITES,
    "trace.core.signing.keys.seal_key": WRITES,
    "trace.core.statements.entries.approval_entry": WRITES,
    "trace.core.statements.entries.audit_entry": WRITES,
    "trace.core.statements.entries.erasure_entry": WRITES,
    "trace.core.statements.entries.event_entries": WRITES,
    "trace.core.statements.entries.event_entry": WRITES,
    "trace.core.statements.entries.key_entry": WRITES,
    "trace.core.statements.entries.links_entry": WRITES,
    "trace.core.statements.entries.origin_entry": WRITES,
    "trace.core.statements.frame.frame_of": WRITES,
    "trace.core.statements.layout.escape": WRITES,
    "trace.core.statements.layout.paths_of": WRITES,
    "trace.core.statements.receipts.make_receipt": WRITES,
    "trace.core.tlog.checkpoints.log_signer": "an origin and a key of ours",
    "trace.core.verify.program.main": "arguments of the person's own; its files have targets",
    "trace.core.verify.signed.key_at": "a kid that a parser let through",
    "trace.core.verify.words.sentences": "a report of ours",
}
