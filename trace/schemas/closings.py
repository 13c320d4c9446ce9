"""What the forms of closing and of handing records on ask for."""

from __future__ import annotations

from trace.schemas.base import Choice, FormSchema, Text, YesNo

WORDS = 300


class ClosingForm(FormSchema):
    """Why an organisation ends (nobody has to say), and that its data were taken along."""

    reason = Text(WORDS)
    saved = YesNo()


class UnusedForm(FormSchema):
    """Why the platform asks for the end of an organisation."""

    reason = Text(WORDS, required=True)


class OfferForm(FormSchema):
    """To whom, and what: everything or some of it. The boxes of what is offered are read apart."""

    taker = Text(200, required=True)
    extent = Choice(("whole", "part"), required=True)
    note = Text(WORDS)


class ProofForm(FormSchema):
    """Who goes on for an organisation that is gone, and on what that rests."""

    taker = Text(200, required=True)
    proof = Text(WORDS, required=True)


class AcceptForm(FormSchema):
    """That holds and recalls were seen."""

    aware = YesNo()


class RectifyForm(FormSchema):
    """What is right."""

    text = Text(WORDS, lines=True, required=True)
