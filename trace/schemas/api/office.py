"""Bodies and answers of an authority's desk: its lists, plans of inspections, kept audits."""

from __future__ import annotations

from typing import Final

from marshmallow import Schema, fields

from trace.models.figures import PERIODS
from trace.schemas.api.acts import ShortOrganisationOut
from trace.schemas.api.answers import Moment
from trace.schemas.api.bodies import json_body
from trace.schemas.audits import AuditSchema
from trace.schemas.base import Choice, FormSchema
from trace.schemas.inspections import PlanChangeSchema, PlanSchema


class PeriodSchema(FormSchema):
    """Which report to make now: of the last whole period."""

    period = Choice(PERIODS, required=True)


INSPECTION_PLAN: Final = json_body(PlanSchema, "InspectionPlan")
PLAN_CHANGE: Final = json_body(PlanChangeSchema, "InspectionPlanChange")
AUDIT: Final = json_body(AuditSchema, "NewAudit")
PERIOD: Final = json_body(PeriodSchema, "ReportPeriod")


class SentOut(Schema):
    """A directive the authority sent, and how many units answered, owe an answer, are done."""

    id = fields.Integer(required=True)
    number = fields.String(required=True)
    title = fields.String(required=True)
    due_on = fields.Date(required=True)
    state = fields.String(required=True)
    units = fields.Integer(required=True)
    answered = fields.Integer(required=True)
    owed = fields.Integer(required=True)
    accepted = fields.Integer(required=True)


class UnitOut(Schema):
    """One whom a directive asks, and how it stands."""

    id = fields.Integer(required=True)
    organisation = fields.Nested(ShortOrganisationOut, required=True)
    state = fields.String(required=True)
    answer = fields.String(required=True)
    answered_at = Moment(required=True, allow_none=True)
    remark = fields.String(required=True)


class HeldOut(Schema):
    """A lot that a rule holds, and the results there are about it; `id` is the hold's event."""

    id = fields.Integer(required=True)
    statement = fields.String(required=True)
    reason = fields.String(required=True)
    given_at = Moment(required=True)
    thing = fields.Integer(required=True)
    address = fields.String(required=True)
    results = fields.Integer(required=True)


class HeldsOut(Schema):
    """Holds that stand, oldest first."""

    items = fields.List(fields.Nested(HeldOut), required=True)


class RankReasonOut(Schema):
    """Why an organisation has points: the factor, its points, the figure behind them."""

    factor = fields.String(required=True)
    points = fields.Integer(required=True)
    figure = fields.Integer(required=True)
    counted_at = Moment(required=True)


class RankedOut(Schema):
    """An organisation in the queue of inspections; `planned` is the case that waits for it."""

    organisation = fields.Nested(ShortOrganisationOut, required=True)
    points = fields.Integer(required=True)
    reasons = fields.List(fields.Nested(RankReasonOut), required=True)
    planned = fields.Integer(required=True, allow_none=True)


class QueueOut(Schema):
    """The organisations with the most points."""

    items = fields.List(fields.Nested(RankedOut), required=True)


class CitizenReportOut(Schema):
    """A citizen's report at the desk, without how to reach the reporter: that a person reads."""

    id = fields.Integer(required=True)
    problem = fields.String(required=True)
    state = fields.String(required=True)
    outcome = fields.String(required=True)
    urgent = fields.Boolean(required=True)
    late = fields.Boolean(required=True)
    same = fields.Integer(required=True, metadata={"description": "On this lot within a week."})
    points = fields.Integer(required=True)
    thing = fields.Integer(required=True, allow_none=True)
    maker = fields.Nested(ShortOrganisationOut, required=True, allow_none=True)
    authority = fields.Nested(ShortOrganisationOut, required=True, allow_none=True)
    words = fields.String(required=True)
    received_at = Moment(required=True)
    look_by = Moment(required=True)
    answer_by = Moment(required=True)
    answered_at = Moment(required=True, allow_none=True)
    closed_at = Moment(required=True, allow_none=True)


class CitizenReportsOut(Schema):
    """What waits, what looks worst first; at most 500."""

    items = fields.List(fields.Nested(CitizenReportOut), required=True)


class KeptAuditOut(Schema):
    """An audit that was kept, and how many findings it has."""

    id = fields.Integer(required=True)
    thing = fields.Integer(required=True, attribute="thing_id")
    made_at = Moment(required=True)
    events = fields.Integer(required=True)
    high = fields.Integer(required=True)
    medium = fields.Integer(required=True)
    low = fields.Integer(required=True)


class SuspectOut(Schema):
    """A package that may have been copied: `score` in tenths of a point, and why."""

    key = fields.String(required=True)
    serial = fields.String(required=True)
    thing = fields.Integer(required=True, allow_none=True)
    score = fields.Integer(required=True)
    reasons = fields.Dict(required=True)
    places = fields.List(fields.String(), required=True)
    since = Moment(required=True)
    last_at = Moment(required=True)


class SuspectsOut(Schema):
    """Packages nobody has judged yet, the most suspicious first."""

    items = fields.List(fields.Nested(SuspectOut), required=True)


class FigureOut(Schema):
    """A measure of a period, of the one before, and of each day."""

    measure = fields.String(required=True)
    now = fields.Integer(required=True)
    before = fields.Integer(required=True)
    days = fields.List(fields.Integer(), required=True)


class FiguresOut(Schema):
    """The board's figures."""

    items = fields.List(fields.Nested(FigureOut), required=True)


class WardOut(Schema):
    """A ward or commune."""

    code = fields.String(required=True)
    name = fields.String(required=True)


class CoverageOut(Schema):
    """Organisations by kind and status, and the wards with nobody who records."""

    kinds = fields.Dict(required=True)
    wards = fields.Integer(required=True)
    active = fields.Integer(required=True)
    empty = fields.List(fields.Nested(WardOut), required=True)


class SpotOut(WardOut):
    """A place of the map with what was counted there."""

    longitude = fields.Float(required=True)
    latitude = fields.Float(required=True)
    scans = fields.Integer(required=True)
    events = fields.Integer(required=True)


class SpotsOut(Schema):
    """Places with something counted, the most scanned first."""

    items = fields.List(fields.Nested(SpotOut), required=True)


class PeriodReportOut(Schema):
    """A period's report of the authority; `figures` as they stood when it was made."""

    id = fields.Integer(required=True)
    period = fields.String(required=True)
    first_day = fields.Date(required=True)
    last_day = fields.Date(required=True)
    made_at = Moment(required=True)


class PeriodReportDetailOut(PeriodReportOut):
    """The same with its figures."""

    figures = fields.Dict(required=True)


class AskedOut(Schema):
    """What was asked for; it is in the list when it is made."""

    period = fields.String(required=True)


class LentOut(Schema):
    """What one authority lent another: an act, for areas, for a time."""

    id = fields.Integer(required=True)
    giver = fields.Nested(ShortOrganisationOut, required=True)
    taker = fields.Nested(ShortOrganisationOut, required=True)
    act = fields.String(required=True)
    areas = fields.List(fields.String(), required=True)
    sectors = fields.List(fields.String(), required=True)
    reason = fields.String(required=True)
    since = Moment(required=True)
    until = Moment(required=True)
    ended_at = Moment(required=True, allow_none=True)


class WatchedOut(Schema):
    """An organisation of the authority's area."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    kind = fields.String(required=True)
    status = fields.String(required=True)
    ward_code = fields.String(required=True, allow_none=True)


class OfficesOut(Schema):
    """Authorities whose whole area lies in this one's, by name."""

    items = fields.List(fields.Nested(WatchedOut), required=True)


class CheckListOut(Schema):
    """A check-list: the newest version. `number` 0 is a given one."""

    code = fields.String(required=True)
    number = fields.Integer(required=True)
    name = fields.String(required=True)
    kinds = fields.List(fields.String(), required=True)
    items = fields.Dict(required=True, metadata={"description": "Words by the item's key."})


class CheckListsOut(Schema):
    """The check-lists offered."""

    items = fields.List(fields.Nested(CheckListOut), required=True)
