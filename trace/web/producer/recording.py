"""What all pages that record something share: the form, its choices, and the act itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from flask import abort, request, url_for
from flask_babel import gettext

from trace import clock
from trace.errors import Refused, TraceError
from trace.extensions import db
from trace.models import PendingApproval
from trace.schemas.base import FormSchema
from trace.schemas.records import local_moment
from trace.services import acts, choices
from trace.services.acts import Told
from trace.services.attachments import keep_photos, known_references
from trace.services.batches import list_things
from trace.services.capture import Captured
from trace.services.records import Draw, JsonObject, Record
from trace.services.settings import current_settings
from trace.services.vocabulary import (
    INPUT_UNITS,
    UNITS,
    UOM_KEYS,
    Amount,
    uom_name,
)
from trace.web.access import actor
from trace.web.forms import Form
from trace.web.pages import number

Options = list[tuple[Any, str]]
ROWS_AT_FIRST = 2
ROWS_MORE = 3
OFFERED = 300  # newest goods of a kind in a list to choose from


class RecordForm(Form):
    """A form that records. Photos are kept as soon as they arrive: a wrong date must not cost a
    farmer the upload. Codes and event ids are drawn from the one-time key, so that the same form
    sent twice asks for the same events.

    `initial` may be a function: what a form is first filled with can cost a whole history to read,
    and a form that comes back filled in never asks for it."""

    public_photos = True

    def __init__(
        self,
        schema: FormSchema,
        initial: Mapping[str, object] | Callable[[], Mapping[str, object]] | None = None,
        **options: Any,
    ) -> None:
        now = local_moment(clock.now())
        if callable(initial):
            initial = {} if request.method == "POST" else initial()
        super().__init__(schema, {"when": now, **(initial or {})}, **options)
        self.outbox = True
        self.now = not self._posted and "when" not in (initial or {})
        self.photo_errors: list[TraceError] = []
        self.photos: tuple[JsonObject, ...] = ()
        if self.sent:
            self._keep_photos()

    def _keep_photos(self) -> None:
        known = known_references(actor(), request.form.getlist("photo"))
        files = [file for file in request.files.getlist("photos") if file.filename]
        try:
            streams = (file.stream for file in files)
            new = keep_photos(actor(), streams, at=clock.now(), public=self.public_photos)
            db.session.commit()
        except TraceError as error:
            db.session.rollback()
            self.photo_errors, new = [error], ()
        told = {one["digest"]: one for one in (*known, *new)}
        self.photos = tuple(told.values())

    def begin_with(self, digests: Sequence[str]) -> None:
        """Photos that were sent before this form was opened go with it, until it is sent."""
        if not self.sent and digests:
            self.photos = tuple(known_references(actor(), digests))

    @property
    def more_rows(self) -> bool:
        """Whether only more lines were asked for: nothing is recorded yet."""
        return self.sent and "more" in request.form

    def load(self) -> dict[str, Any]:
        """The clean values. Raises Refused with the errors of fields and photos together."""
        try:
            clean = super().load()
        except Refused as refused:
            raise Refused([*refused.errors, *self.photo_errors]) from None
        if self.photo_errors:
            raise Refused(self.photo_errors)
        return clean

    def draw(self) -> Draw:
        """Codes and ids of this form."""
        return Draw(current_settings().secret_key, actor().organisation.code, self.key)

    def rows(self, prefix: str, at_least: int = ROWS_AT_FIRST) -> range:
        """The numbers of the lines to show: those sent or given, and what was asked for."""
        names = [*self.initial, *(request.form if self._posted else ())]
        starts = [name.split("-") for name in names if name.startswith(f"{prefix}-")]
        sent = [int(parts[1]) + 1 for parts in starts if len(parts) == 3 and parts[1].isdecimal()]
        asked = ROWS_MORE if self.more_rows and request.form["more"] == prefix else 0
        return range(min(max([at_least, *sent]) + asked, 200))


def as_told(form: RecordForm, clean: Mapping[str, Any], draw: Draw) -> Told:
    """What the form says, as acts take it."""
    return Told(clean, draw, form.photos)


def circumstances(form: RecordForm, clean: Mapping[str, Any], draw: Draw) -> Record:
    """When, where, who: the record's common part. Raises NotOffered for foreign references."""
    return acts.circumstances(actor(), as_told(form, clean, draw))


def record(form: Form, events: Sequence[JsonObject]) -> Captured:
    """Captures the events of this form; the form's `done` commits.

    Where the organisation demands approval by passkey they are kept aside instead, and the answer
    is the page that asks for it.
    """
    done = acts.submit(actor(), events, key=record_key(form.key), at=clock.now())
    if isinstance(done, PendingApproval):
        abort(form.done(url_for("approvals.show", waiting_id=done.id)))
    return done


def record_key(form_key: str) -> str:
    """The idempotency key under which a form's events are captured."""
    return f"farm:{form_key}"


# -- what templates show ---------------------------------------------------------------------------


def show_amount(value: Amount | None) -> str:
    """ "480 kg", "1.200 quả"; "" for an amount nobody gave."""
    if value is None:
        return ""
    return (
        f"{number(value.quantity)} {gettext(uom_name(value.uom)) if value.uom else gettext('gói')}"
    )


def show_amounts(values: Iterable[Amount]) -> str:
    """Several amounts, those above nought first."""
    return " · ".join(show_amount(value) for value in sorted(values, key=lambda a: -a.quantity))


def unit_options() -> Options:
    """The units people measure in."""
    return [(unit.key, gettext(unit.name)) for unit in UNITS]


def input_unit_options() -> Options:
    """The units of what is put on a crop."""
    return [(unit, gettext(unit)) for unit in INPUT_UNITS]


def place_options(*kinds: str) -> Options:
    """The organisation's places."""
    return [(place.id, place.name) for place in choices.places(actor(), *kinds)]


def household_options() -> Options:
    """The member households: a code, and the name that stays private."""
    return [
        (one.id, f"{one.code} · {one.name}" if one.name else one.code)
        for one in choices.households(actor())
    ]


def product_options() -> Options:
    """The organisation's products."""
    return [(product.id, product.name) for product in choices.products(actor())]


def batch_options(*, crates: bool = False) -> Options:
    """The newest lots to choose from, and the newest crates and pallets: product, name, and how
    much of it there is. Older ones are scanned, or their code is typed."""
    batches = list_things(actor(), "lot", held_only=True, limit=OFFERED)
    if crates:
        batches += list_things(actor(), "logistic", limit=OFFERED)
    found: Options = []
    for batch in batches:
        parts = [batch.product.name if batch.product else "", batch.name, show_amounts(batch.held)]
        found.append((batch.thing_id, " · ".join(part for part in parts if part)))
    return found


def unit_key(uom: str) -> str:
    """The unit a form shows for a stored code; kg where people have no word for it."""
    return UOM_KEYS.get(uom, "kg")


def plain(value: Decimal | int | float | None) -> str:
    """A stored number as a box shows it: decimal comma in Vietnamese, never grouped."""
    if value is None:
        return ""
    text = f"{Decimal(str(value)):f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    if len(text.rpartition(".")[2]) == 3 and "." in text:
        text += "0"  # three decimals would be asked about: they look like thousands
    return text.replace(".", ",")


def common_choices() -> dict[str, object]:
    """What the fields of every record's form need."""
    return {
        "places": place_options(),
        "households": household_options(),
        "units": unit_options(),
        "show_amount": show_amount,
        "show_amounts": show_amounts,
    }
