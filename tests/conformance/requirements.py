"""What the suite holds a server to: one line a requirement. `python -m tests.conformance` prints
them as the reference page has them.

MUST: openapi.yaml of EPCIS 2.0 says so of every server, or the standard's text does. SHOULD: it is
recommended, or follows from what it is for. MAY: a server may answer 501 or 404 instead.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Requirement(NamedTuple):
    """`level` is MUST, SHOULD or MAY."""

    level: str
    title: str


REQUIREMENTS: Final[dict[str, Requirement]] = {
    "DIS-01": Requirement("MUST", "OPTIONS answers 204 and names the methods in Allow"),
    "DIS-02": Requirement("MUST", "Answers tell the versions of EPCIS and CBV, lowest to highest"),
    "DIS-03": Requirement("MUST", "OPTIONS on /capture tells its limits and what an error does"),
    "DIS-04": Requirement("MUST", "GET / lists the top-level resources"),
    "DIS-05": Requirement("MUST", "A version above what the server has is answered 406"),
    "CAP-01": Requirement("MUST", "POST /capture answers 202 with the job's Location"),
    "CAP-02": Requirement("MUST", "A capture job tells its state in the standard's members"),
    "CAP-03": Requirement("MUST", "Events of all five types are captured and read back"),
    "CAP-04": Requirement("SHOULD", "An EPCISQueryDocument is captured as well"),
    "CAP-05": Requirement("MUST", "rollback: one wrong event takes the whole document with it"),
    "CAP-06": Requirement("MUST", "proceed: what can be captured is, and the errors are told"),
    "CAP-07": Requirement("MUST", "A job's errors have the form of problem details"),
    "CAP-08": Requirement("MUST", "What is no EPCIS document is refused at once: 400"),
    "CAP-09": Requirement("MUST", "Another media type is refused: 415"),
    "CAP-10": Requirement("MUST", "More events than the limit told are refused: 413"),
    "CAP-11": Requirement("MUST", "GET /capture lists the jobs, page by page"),
    "CAP-12": Requirement("MUST", "A job that does not exist is 404"),
    "CAP-13": Requirement("MUST", "Events that break the standard's rules are not captured"),
    "CAP-14": Requirement("SHOULD", "Events of every kind that the standard allows are captured"),
    "CAP-15": Requirement("MAY", "A document in XML is captured: the event is its JSON twin"),
    "EVT-01": Requirement("MUST", "POST /events answers 201 with the event's Location"),
    "EVT-02": Requirement("MUST", "The same event a second time is a conflict: 409"),
    "EVT-03": Requirement("MUST", "GET /events answers an EPCISQueryDocument"),
    "EVT-04": Requirement("MUST", "An event that does not exist is 404"),
    "EVT-05": Requirement("MUST", "An error declaration is given with the event whose ID it bears"),
    "EVT-06": Requirement("MUST", "An event without an ID is given one"),
    "EVT-07": Requirement("MUST", "An event read back bears the server's record time"),
    "EVT-08": Requirement("MUST", "Pages lead to one another by Link, each event on one of them"),
    "EVT-09": Requirement("MUST", "A page token that the server never gave is refused"),
    "QRY-01": Requirement("MUST", "MATCH_… finds what events are about, and nothing else"),
    "QRY-02": Requirement("MUST", "Events are found by eventTime and recordTime"),
    "QRY-03": Requirement("MUST", "Events are found by readPoint and bizLocation"),
    "QRY-04": Requirement("MUST", "Events are found by type, action, bizStep and dispositions"),
    "QRY-05": Requirement("MUST", "Events are found by eventID and error declaration"),
    "QRY-06": Requirement("MUST", "Events are found by transaction, source and destination"),
    "QRY-07": Requirement("MUST", "Events are found by ilmd and extension"),
    "QRY-08": Requirement("MUST", "Events are found by what sensors say"),
    "QRY-09": Requirement("MUST", "Events are found by quantity"),
    "QRY-10": Requirement("MUST", "A parameter that is not known is refused, never ignored: 400"),
    "QRY-11": Requirement("MUST", "Order and number of events are as asked"),
    "QRY-12": Requirement("MUST", "Values of one parameter widen, parameters narrow"),
    "QRY-13": Requirement("MUST", "An EPC is found by its URN and by its Digital Link"),
    "TOP-01": Requirement("MUST", "Event types, and what events name, can be listed"),
    "TOP-02": Requirement("MUST", "The events of one such resource are found below it"),
    "TOP-03": Requirement("MUST", "An event type that does not exist is 404"),
    "NAM-01": Requirement("MUST", "POST /queries answers 201 with the query's Location"),
    "NAM-02": Requirement("MUST", "A name that is taken is a conflict: 409"),
    "NAM-03": Requirement("MUST", "Named queries are listed and read as they were given"),
    "NAM-04": Requirement("MUST", "A named query's events are those that answer it"),
    "NAM-05": Requirement("MUST", "A deleted query is 404 afterwards"),
    "NAM-06": Requirement("MUST", "What is no query is refused: 400"),
    "SUB-01": Requirement("MUST", "A subscription answers 201, and never tells its secret"),
    "SUB-02": Requirement("MUST", "A stream tells a new event as an EPCISQueryDocument"),
    "SUB-03": Requirement("MUST", "What is told bears GS1-Signature where a token was given"),
    "SUB-04": Requirement("MUST", "A schedule tells at its time, also nothing where asked to"),
    "SUB-05": Requirement("MUST", "Neither or both of stream and schedule are refused: 400"),
    "SUB-06": Requirement("MUST", "Subscriptions are listed, read and deleted"),
    "SUB-07": Requirement("MUST", "A deleted query's subscriptions end"),
    "SUB-08": Requirement("SHOULD", "A receiver that answers 413 gets less at once"),
    "ERR-01": Requirement("MUST", "Without a good token the answer is 401"),
    "ERR-02": Requirement("MUST", "An Accept that cannot be met is 406"),
    "ERR-03": Requirement("MUST", "Errors are problem details with the standard's types"),
    "ERR-04": Requirement("SHOULD", "An address beyond all measure is refused, not choked on"),
    "ERR-05": Requirement("MUST", "Whatever is sent, the server does not fail: no 5xx"),
    "FMT-01": Requirement("MUST", "GS1-EPC-Format gives URNs or Digital Links as asked"),
    "FMT-02": Requirement("MAY", "Events are answered in XML where it is asked for"),
    "API-01": Requirement("MUST", "OPTIONS is answered at every path of the OpenAPI file"),
    "API-02": Requirement("MUST", "GET is answered as the OpenAPI file has it: status, body"),
    "API-03": Requirement("MUST", "Every query parameter of the OpenAPI file is understood"),
    "API-04": Requirement("SHOULD", "OPTIONS gives every header that the OpenAPI file lists"),
}


def page() -> str:
    """The table of requirements in Markdown."""
    lines = ["| requirement | level | what |", "| --- | --- | --- |"]
    lines += [f"| {name} | {one.level} | {one.title} |" for name, one in REQUIREMENTS.items()]
    return "\n".join(lines)
