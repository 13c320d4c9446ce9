"""SQLAlchemy models: one noun a file; the tables are the nouns."""

from trace.models.approvals import PendingApproval
from trace.models.attachments import Attachment
from trace.models.audit import Audit
from trace.models.books import BookLine, CatalogueItem
from trace.models.certificates import Certificate
from trace.models.erasures import Erasure
from trace.models.events import Event, EventKey, EventThing, IdempotencyKey
from trace.models.handovers import Handover
from trace.models.jobs import Job
from trace.models.log import LogCheckpoint, LogEntry, LogState, LogTile, LogWitness
from trace.models.organisations import Household, Key, Organisation
from trace.models.people import Membership, Person, Session, Token
from trace.models.places import Place
from trace.models.plans import Conversion, Jotting, Plan, Preset
from trace.models.products import Product
from trace.models.requests import Request, Takedown
from trace.models.things import Alert, Holding, Passport, Thing

__all__ = [
    "Alert",
    "Attachment",
    "Audit",
    "BookLine",
    "CatalogueItem",
    "Certificate",
    "Conversion",
    "Erasure",
    "Event",
    "EventKey",
    "EventThing",
    "Handover",
    "Holding",
    "Household",
    "IdempotencyKey",
    "Job",
    "Jotting",
    "Key",
    "LogCheckpoint",
    "LogEntry",
    "LogState",
    "LogTile",
    "LogWitness",
    "Membership",
    "Organisation",
    "Passport",
    "PendingApproval",
    "Person",
    "Place",
    "Plan",
    "Preset",
    "Product",
    "Request",
    "Session",
    "Takedown",
    "Thing",
    "Token",
]
