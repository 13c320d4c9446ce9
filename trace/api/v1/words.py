"""What the document says of the interface as a whole."""

from __future__ import annotations

from typing import Final

ABOUT: Final = """\
What an organisation does in the console, for its programs.

**Token.** `Authorization: Bearer trace_…`, made in the console or by \
`flask --app wsgi trace token create`. Scopes: `query` reads, `capture` records and registers, \
`manage` changes the organisation, `export` takes everything away, `inspect` is for authorities.

**Once.** Every POST carries an `Idempotency-Key`. Sent again with the same key, a request is not \
carried out a second time; the first answer comes again, with `Idempotent-Replay: true`.

**Versions.** What can be changed has an `ETag`. Send it as `If-Match`; a record that was changed \
meanwhile answers 412 and nothing is lost.

**Pages.** Lists answer `items` and `next`; send `next` as `cursor` for what follows. Nothing is \
counted and nothing is skipped, however many rows are added meanwhile.

**Rate.** A token may ask 600 times a minute, here and at `/epcis/v2` together; a sensor's token \
likewise. Every answer says what is left: `RateLimit-Policy: "token";q=600;w=60` and \
`RateLimit: "token";r=584;t=41` (requests left, seconds until all are there again). Beyond that \
the answer is 429; `Retry-After` says for how many seconds.

**Refusals** are `application/problem+json` with a stable `code`, a `path` (JSON Pointer) and, \
where there is one, a `next_step`; several errors are told at once in `errors`.

**Events** are recorded exactly as the console records them: signed, entered into the public log, \
never overwritten. Where the organisation asks for approval by passkey, the answer is 202 and the \
lines wait in the console.
"""

TAGS: Final = {
    "organisation": "The organisation whose token this is.",
    "places": "Plots, packhouses, stores and stalls, with the codes of planting areas.",
    "products": "What is grown, made and sold.",
    "households": "Member households of a co-operative: codes are public, names are not.",
    "certificates": "Certificates and what they cover.",
    "photos": "Photos that records refer to.",
    "cycles": "Plantings, flocks and ponds, and their diary.",
    "batches": "Lots and crates: register, keep, sell, process, pack.",
    "handovers": "Delivery notes: send, receive, refuse, return.",
    "events": "What was recorded; corrections.",
    "labels": "Sheets of labels.",
    "imports": "Spreadsheets of many rows.",
    "exports": "Everything the organisation owns, in one file.",
    "recalls": "Warnings that reached the organisation, and cases of an authority.",
    "desk": "Inspections, findings, chains and audits, for authorities and for whom they concern.",
    "reports": "Reports of shoppers.",
    "plans": "Jobs ahead, jottings from the field, saved entries: private, and no events.",
    "weighing": "The weighing sheet at a co-operative's scale, and the lot it becomes.",
    "links": "Links that the resolver gives out for own products and lots.",
    "sensors": "Loggers and stations, the goods they go with, and the device's own door.",
    "stamps": "Rolls of numbered stamps, bound to lots.",
    "results": "What laboratories sign.",
    "certifying": "What certifiers answer.",
    "directives": "What authorities ask in writing, and answers.",
    "papers": "Passports, plots, spreadsheets and records made of what was recorded.",
    "books": "Private books, stock, catalogues: the organisation's own, and no events.",
    "subscriptions": "Who is told what is new by webhook, and what was not taken.",
    "trust": "Own keys, statements signed outside, verification.",
}
