"""SQLAlchemy models: one noun a file; the tables are the nouns."""

from trace.models.applications import Application, ApplicationPaper, ApplicationStep
from trace.models.approvals import PendingApproval
from trace.models.attachments import Attachment
from trace.models.audit import Audit
from trace.models.authorities import AuthorityRule, Delegation
from trace.models.books import BookLine, CatalogueItem
from trace.models.certificates import Certificate, CertificateCover
from trace.models.chain_audits import KeptAudit
from trace.models.closings import Closing, Succession, SuccessionItem
from trace.models.contacts import ContactCode, Counter, PersonPasskey
from trace.models.copies import Copy
from trace.models.crates import CompanyPrefix, CrateLabel
from trace.models.credentials import Credential
from trace.models.directives import Directive, DirectiveFile, DirectiveUnit
from trace.models.erasures import Erasure
from trace.models.events import Event, EventKey, EventThing, IdempotencyKey
from trace.models.factors import Authenticator, FactorReset, HalfSignIn, RecoveryCode
from trace.models.figures import (
    AreaSum,
    AuthorityReport,
    CountedOrganisation,
    FiguresState,
    OrganisationSum,
)
from trace.models.follows import Follow, FollowMessage
from trace.models.handovers import Handover, NoteLink
from trace.models.imports import Import, ImportRow
from trace.models.inspections import (
    CheckList,
    Finding,
    FindingAnswer,
    FindingThing,
    Inspection,
    InspectionEvent,
    InspectionThing,
    Risk,
    Sample,
)
from trace.models.invitations import Invitation
from trace.models.jobs import Job
from trace.models.leases import Lease, ScanCursor
from trace.models.links import Link, LinkVersion
from trace.models.log import LogCheckpoint, LogEntry, LogState, LogTile, LogWitness
from trace.models.notifications import (
    Delivery,
    Notification,
    Preference,
    PushKey,
    PushSubscription,
)
from trace.models.organisations import Household, Key, Organisation
from trace.models.people import Membership, Person, Session, Token
from trace.models.places import AreaCode, Place
from trace.models.plans import Conversion, Jotting, Plan, Preset
from trace.models.portal import PortalDelivery
from trace.models.products import Product
from trace.models.pulses import Pulse
from trace.models.recalls import (
    Recall,
    RecallAmount,
    RecallAnswer,
    RecallHolder,
    RecallItem,
    RecallNotice,
    RecallThing,
    RehearsalConsent,
)
from trace.models.reports import Report, ReportPhoto, ReportStep
from trace.models.requests import Request, Takedown
from trace.models.scans import ScanCount, ScanSalt, ScanVisit, UnitScan
from trace.models.sensors import (
    Sensor,
    SensorLimit,
    SensorReading,
    SensorWatch,
    SensorWatchThing,
)
from trace.models.settings import PlatformSetting
from trace.models.standings import Accreditation, PrefixClaim, SameAs, StandingDecision
from trace.models.subscriptions import DeadLetter, NamedQuery, Subscription
from trace.models.things import Alert, Holding, Passport, Thing
from trace.models.units import LabelBinding, LabelPrint, LabelRange, Unit
from trace.models.weighing import WeighingLine, WeighingSheet

__all__ = [
    "Accreditation",
    "Alert",
    "Application",
    "ApplicationPaper",
    "ApplicationStep",
    "AreaCode",
    "AreaSum",
    "Attachment",
    "Audit",
    "Authenticator",
    "AuthorityReport",
    "AuthorityRule",
    "BookLine",
    "CatalogueItem",
    "Certificate",
    "CertificateCover",
    "CheckList",
    "Closing",
    "CompanyPrefix",
    "ContactCode",
    "Conversion",
    "Copy",
    "CountedOrganisation",
    "Counter",
    "CrateLabel",
    "Credential",
    "DeadLetter",
    "Delegation",
    "Delivery",
    "Directive",
    "DirectiveFile",
    "DirectiveUnit",
    "Erasure",
    "Event",
    "EventKey",
    "EventThing",
    "FactorReset",
    "FiguresState",
    "Finding",
    "FindingAnswer",
    "FindingThing",
    "Follow",
    "FollowMessage",
    "HalfSignIn",
    "Handover",
    "Holding",
    "Household",
    "IdempotencyKey",
    "Import",
    "ImportRow",
    "Inspection",
    "InspectionEvent",
    "InspectionThing",
    "Invitation",
    "Job",
    "Jotting",
    "KeptAudit",
    "Key",
    "LabelBinding",
    "LabelPrint",
    "LabelRange",
    "Lease",
    "Link",
    "LinkVersion",
    "LogCheckpoint",
    "LogEntry",
    "LogState",
    "LogTile",
    "LogWitness",
    "Membership",
    "NamedQuery",
    "NoteLink",
    "Notification",
    "Organisation",
    "OrganisationSum",
    "Passport",
    "PendingApproval",
    "Person",
    "PersonPasskey",
    "Place",
    "Plan",
    "PlatformSetting",
    "PortalDelivery",
    "Preference",
    "PrefixClaim",
    "Preset",
    "Product",
    "Pulse",
    "PushKey",
    "PushSubscription",
    "Recall",
    "RecallAmount",
    "RecallAnswer",
    "RecallHolder",
    "RecallItem",
    "RecallNotice",
    "RecallThing",
    "RecoveryCode",
    "RehearsalConsent",
    "Report",
    "ReportPhoto",
    "ReportStep",
    "Request",
    "Risk",
    "SameAs",
    "Sample",
    "ScanCount",
    "ScanCursor",
    "ScanSalt",
    "ScanVisit",
    "Sensor",
    "SensorLimit",
    "SensorReading",
    "SensorWatch",
    "SensorWatchThing",
    "Session",
    "StandingDecision",
    "Subscription",
    "Succession",
    "SuccessionItem",
    "Takedown",
    "Thing",
    "Token",
    "Unit",
    "UnitScan",
    "WeighingLine",
    "WeighingSheet",
]
