"""Pages of certificates."""

from __future__ import annotations

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.models import Certificate
from trace.schemas.certificates import CertificateForm
from trace.services import certificates
from trace.services.places import list_places
from trace.services.products import list_products
from trace.services.records import LOCAL_ZONE
from trace.web import words
from trace.web.access import actor, needs
from trace.web.forms import Form
from trace.web.lists import Listing
from trace.web.producer.certifying import decision_words
from trace.web.producer.recording import household_options

blueprint = Blueprint("certificates", __name__, url_prefix="/producer/certificates")

# Suggested, never demanded: the name is the certificate's own.
STATES = ("valid", "future", "past", "suspended", "withdrawn")
STANDARDS = ("VietGAP", "GlobalG.A.P.", "OCOP", "HACCP", "ISO 22000", "Hữu cơ TCVN 11041")


def _state(certificate: Certificate) -> str:
    return certificates.state_of(certificate, clock.now().astimezone(LOCAL_ZONE).date())


def _values(certificate: Certificate) -> dict[str, object]:
    names = ("standard", "number", "issuer_id", "valid_from", "valid_until", "yearly_yield")
    covers = certificates.covers_of(certificate)
    return {
        **{name: getattr(certificate, name) for name in names},
        "issuer_name": "" if certificate.issuer_id else certificate.issuer_name,
        "products": " ".join(str(one.id) for one in covers.products),
        "places": " ".join(str(one.id) for one in covers.places),
        "members": " ".join(str(one.id) for one in covers.members),
    }


def _context() -> dict[str, object]:
    return {
        "standards": STANDARDS,
        "products": [(one.id, one.name) for one in list_products(actor())],
        "places": [(one.id, one.name) for one in list_places(actor())],
        "members": household_options(),
        "certifiers": [(one.id, one.name) for one in certificates.list_certifiers()],
    }


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """All certificates; `?format=csv` for a spreadsheet."""
    listing = Listing(
        certificates.list_certificates(actor()),
        words=lambda one: (one.standard, one.number, one.issuer_name),
        filters={"state": _state},
    )
    if listing.wants_csv:
        head = [gettext("Tiêu chuẩn"), gettext("Số"), gettext("Tổ chức cấp")]
        head += [gettext("Từ ngày"), gettext("Đến ngày"), gettext("Được xác nhận")]
        return listing.csv(
            "certificates",
            head,
            lambda one: [
                one.standard,
                one.number,
                one.issuer_name,
                one.valid_from,
                one.valid_until,
                one.confirmed_by_id is not None,
            ],
        )
    return render_template(
        "producer/certificates/index.html",
        listing=listing,
        state=lambda one: words.certificate_state(_state(one)),
        states=[(name, words.certificate_state(name)[1]) for name in STATES],
    )


@blueprint.route("/new", methods=["GET", "POST"])
@needs("record")
def new() -> ResponseReturnValue:
    """A certificate more."""
    form = Form(CertificateForm())
    if form.sent:
        with form.attempt():
            made = certificates.register_certificate(actor(), form.load(), at=clock.now())
            address = url_for("certificates.show", certificate_id=made.id)
            return form.done(address, gettext("Đã thêm chứng nhận."))
    return form.page("producer/certificates/form.html", certificate=None, **_context())


@blueprint.get("/<int:certificate_id>")
def show(certificate_id: int) -> ResponseReturnValue:
    """One certificate."""
    certificate = certificates.get_certificate(actor(), certificate_id)
    confirmed = certificate.confirmed_by_id is not None  # demonstrations have no answer yet
    return render_template(
        "producer/certificates/show.html",
        certificate=certificate,
        state=words.certificate_state(_state(certificate)),
        decision=decision_words()["confirmed" if confirmed else certificate.decision],
        covers=certificates.covers_of(certificate),
    )


@blueprint.route("/<int:certificate_id>/edit", methods=["GET", "POST"])
@needs("record")
def edit(certificate_id: int) -> ResponseReturnValue:
    """Changes to one certificate."""
    certificate = certificates.get_certificate(actor(), certificate_id)
    form = Form(CertificateForm(), _values(certificate), version=certificate.version)
    if form.sent:
        with form.attempt():
            certificates.update_certificate(
                actor(), certificate, form.load(), version=form.version, at=clock.now()
            )
            address = url_for("certificates.show", certificate_id=certificate_id)
            return form.done(address, gettext("Đã lưu."))
    return form.page("producer/certificates/form.html", certificate=certificate, **_context())


@blueprint.route("/<int:certificate_id>/remove", methods=["GET", "POST"])
@needs("record")
def remove(certificate_id: int) -> ResponseReturnValue:
    """Takes a certificate away, after asking once."""
    certificate = certificates.get_certificate(actor(), certificate_id)
    form = Form()
    if form.sent:
        with form.attempt():
            certificates.remove_certificate(actor(), certificate, at=clock.now())
            return form.done(url_for("certificates.index"), gettext("Đã bỏ chứng nhận."))
    return form.page(
        "producer/certificates/remove.html",
        certificate=certificate,
        act=gettext("Bỏ chứng nhận này"),
        cancel=url_for("certificates.show", certificate_id=certificate_id),
        danger=True,
    )
