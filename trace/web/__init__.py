"""Pages by audience. Each blueprint states its access rule where it is registered, below."""

from __future__ import annotations

from flask import Flask

from trace.extensions import register
from trace.web import (
    api_docs,
    credentials,
    directives,
    finding,
    front,
    help_pages,
    installed,
    log,
    notes,
    recall_answers,
    reporting,
    requests,
    resolver,
    scan,
    verify,
    watching,
    wellknown,
)
from trace.web.access import guard
from trace.web.admin import desk
from trace.web.auth import (
    account,
    application,
    auth,
    contact,
    factors,
    invitation,
    leaving,
    members,
    notifications,
    passkeys,
    register_bell,
    second,
    sign_ins,
    signing,
)
from trace.web.auth import register as registering
from trace.web.fresh import register_fresh
from trace.web.inspection import desk as inspectors
from trace.web.pages import register_helpers
from trace.web.producer import (
    approvals,
    batches,
    books,
    catalogues,
    certificates,
    closing,
    codes,
    crates,
    cycles,
    diary,  # noqa: F401  # adds the pages of entries to those of cycles
    evening,
    events,
    exports,
    handovers,
    home,
    households,
    imports,
    inspections,
    keys,
    labels,
    links,
    note_labels,  # noqa: F401  # adds the pages of delivery notes to those of labels
    organisation,
    outbox,
    papers,
    photos,
    places,
    plans,
    processing,
    products,
    recalls,
    reports,
    results,
    sensors,
    stamps,
    subscriptions,
    succession,
    weeks,
    weights,
)
from trace.web.producer.work import register_work
from trace.web.statics import register_statics


def register_pages(app: Flask) -> None:
    """Registers every blueprint of pages with the rule of who may open it."""
    guard(app)
    register_helpers(app)
    register_statics(app)
    register(app, front.blueprint, "public")
    register(app, help_pages.blueprint, "public")
    register(app, finding.blueprint, "public")
    register(app, api_docs.blueprint, "public")
    register(app, wellknown.blueprint, "anonymous")
    register(app, watching.blueprint, "anonymous")
    register(app, log.bp, "anonymous")
    register(app, scan.bp, "anonymous")
    register(app, scan.follow, "anonymous")
    register(app, verify.bp, "anonymous")
    register(app, credentials.blueprint, "anonymous")
    register(app, resolver.bp, "anonymous")
    register(app, requests.blueprint, "public")
    register(app, directives.blueprint, "member:read")
    register(app, reporting.blueprint, "public")
    for blueprint, rule in (*desk.DESKS, *inspectors.DESKS):
        register(app, blueprint, rule)
    register(app, auth, "public")
    register(app, registering, "public")
    register(app, account, "signed-in")
    register(app, application, "member:manage")
    register(app, members, "member:manage")
    register(app, invitation, "public")
    register(app, notifications, "signed-in")
    register(app, leaving, "anonymous")
    register(app, signing, "public")
    register(app, second, "public")
    register(app, passkeys, "signed-in")
    register(app, factors, "signed-in")
    register(app, contact, "signed-in")
    register(app, sign_ins, "signed-in")
    register_bell(app)
    register_fresh(app)
    register(app, home.blueprint, "member:record")
    register(app, organisation.blueprint, "member:manage")
    register(app, organisation.token_pages, "member:manage")
    register(app, subscriptions.blueprint, "member:manage")
    register(app, closing.blueprint, "member:manage")
    register(app, succession.blueprint, "member:record")
    register(app, keys.blueprint, "member:manage")
    register(app, approvals.blueprint, "member:record")
    register(app, households.blueprint, "member:record")
    register(app, places.blueprint, "member:record")
    register(app, products.blueprint, "member:record")
    register(app, certificates.blueprint, "member:record")
    register(app, reports.blueprint, "member:record")
    _register_farm(app)


def _register_farm(app: Flask) -> None:
    """What a farm, a packhouse and a shop record: members read, recorders write."""
    for module in (
        cycles,
        batches,
        processing,
        events,
        handovers,
        labels,
        links,
        stamps,
        crates,
        plans,
        codes,
        weights,
        results,
        sensors,
        books,
        catalogues,
        weeks,
    ):
        register(app, module.blueprint, "member:record")
    for blueprint in evening.BLUEPRINTS:
        register(app, blueprint, "member:record")
    register(app, notes.blueprint, "public")
    register(app, recalls.blueprint, "member:record")
    register(app, recall_answers.blueprint, "public")
    register(app, imports.blueprint, "member:record")
    register(app, inspections.blueprint, "member:record")
    register(app, inspections.sent, "member:record")
    register(app, exports.blueprint, "member:export")
    register(app, papers.blueprint, "member:record")
    register(app, photos.blueprint, "anonymous")
    register(app, outbox.blueprint, "member:record")
    register(app, installed.blueprint, "anonymous")
    register(app, installed.desk, "anonymous")
    installed.register_reader(app)
    register_work(app)
