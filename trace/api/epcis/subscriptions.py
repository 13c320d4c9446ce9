"""Subscriptions to named queries, by webhook, which every server must have. By WebSocket there are
none here: 501, the standard's word for what is not implemented."""

from __future__ import annotations

from flask import Response, g, request

from trace import clock
from trace.api.epcis.door import acting, as_json, bp, check_media_type, discovery
from trace.api.epcis.listing import list_page
from trace.api.epcis.named_queries import address_of, read_body
from trace.api.epcis.negotiation import answer_plain, as_xml, words_asked, xml_wanted
from trace.api.epcis.problems import prefers_xml
from trace.clock import rfc3339
from trace.core.epcis.xml import write_plain
from trace.extensions import db, needs
from trace.models import Subscription
from trace.services import subscriptions
from trace.services.named_queries import get_query


@bp.route("/queries/<name>/subscriptions", methods=["OPTIONS"], provide_automatic_options=False)
@needs("query")
def subscriptions_options(name: str) -> Response:
    """What can be done with a query's subscriptions. Raises NoSuchName."""
    get_query(acting(), name)
    return discovery("GET", "POST")


@bp.route(
    "/queries/<name>/subscriptions/<subscription_id>",
    methods=["OPTIONS"],
    provide_automatic_options=False,
)
@needs("query")
def subscription_options(name: str, subscription_id: str) -> Response:
    """What can be done with one. Raises NotFound."""
    row = subscriptions.get_subscription(acting(), get_query(acting(), name), subscription_id)
    return _since(discovery("GET", "DELETE"), row)


def _since(response: Response, row: Subscription) -> Response:
    least = subscriptions.least_record_time(row)
    response.headers["GS1-Query-Min-Record-Time"] = rfc3339(least)
    return response


@bp.post("/queries/<name>/subscriptions")
@needs("query")
def post_subscription(name: str) -> Response:
    """Subscribes an address (201, Location): to XML where XML is what the caller would rather have,
    its words as GS1-CBV-XML-Format asks. Raises NoSuchName, SubscriptionRefused."""
    check_media_type()
    query = get_query(acting(), name)
    in_xml = prefers_xml()
    row = subscriptions.subscribe(
        acting(),
        query,
        read_body(),
        at=clock.now(),
        epc_format=request.headers.get("GS1-EPC-Format", ""),
        form=f"xml-{words_asked()}" if in_xml else "",
        made_with=g.token.name,
    )
    db.session.commit()
    told = subscriptions.told(row)
    response = as_xml(write_plain(told)) if in_xml else as_json(told)
    response.status_code = 201
    response.headers["Location"] = f"{address_of(query.name)}/subscriptions/{row.public_id}"
    return response


@bp.get("/queries/<name>/subscriptions")
@needs("query")
def get_subscriptions(name: str) -> Response:
    """A query's subscriptions, the newest first, in JSON or in XML. Raises NoSuchName."""
    xml_wanted()
    query = get_query(acting(), name)
    return list_page(
        lambda before, limit: subscriptions.list_subscriptions(
            acting(), query, before=before, limit=limit
        ),
        subscriptions.told,
    )


@bp.get("/queries/<name>/subscriptions/<subscription_id>")
@needs("query")
def get_subscription(name: str, subscription_id: str) -> Response:
    """One subscription; its secret is not told. Raises NotFound."""
    xml_wanted()
    query = get_query(acting(), name)
    row = subscriptions.get_subscription(acting(), query, subscription_id)
    return _since(answer_plain(subscriptions.told(row)), row)


@bp.delete("/queries/<name>/subscriptions/<subscription_id>")
@needs("query")
def delete_subscription(name: str, subscription_id: str) -> Response:
    """Nothing more is sent. Raises NotFound."""
    query = get_query(acting(), name)
    row = subscriptions.get_subscription(acting(), query, subscription_id)
    subscriptions.unsubscribe(acting(), row, at=clock.now())
    db.session.commit()
    return Response(status=204)
