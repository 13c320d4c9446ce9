"""Links that an organisation adds to a product or its lots; the resolver gives them out."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Select, select

from trace import clock
from trace.api.v1.door import Answer, operation
from trace.api.v1.nouns import Rows, listing
from trace.models import Link
from trace.schemas.api import work
from trace.schemas.api.bodies import json_body
from trace.schemas.links import LinkForm, NewLinkForm
from trace.services import links
from trace.services.actors import Actor
from trace.services.products import get_product

SAID: Final = {
    "link_type": "recipeInfo",
    "href": "https://rau.example/mon-ngon",
    "title": "Món ngon với cải ngọt",
    "languages": ["vi"],
    "media_type": "text/html",
    "context": "",
}
LINK: Final = {
    **SAID,
    "id": 7,
    "version": 1,
    "created_at": "2026-11-20T00:30:00Z",
    "product": 3,
    "lot": None,
    "state": "shown",
    "check": "waiting",
    "why_not": "",
}


def _link(row: Link) -> dict[str, Any]:
    names = ("id", "version", "created_at", "link_type", "href", "title", "media_type", "context")
    return {
        **{name: getattr(row, name) for name in (*names, "state", "check")},
        "product": row.product_id,
        "lot": row.lot_id,
        "languages": row.languages.split(),
        "why_not": links.why_not_given(row, at=clock.now()),
    }


def _links(actor: Actor, product_id: int) -> Select[Any]:
    product = get_product(actor, product_id)
    mine = Link.organisation_id == actor.organisation.id
    return select(Link).where(Link.product_id == product.id, mine)


def _get(actor: Actor, product_id: int, link_id: int) -> Link:
    return links.get_link(actor, get_product(actor, product_id), link_id)


listing(
    "list_links",
    "/products/<int:product_id>/links",
    work.LinkOut(),
    Rows(_links, Link.id, _link, newest=False),
    tag="links",
    summary="Links of a product and its lots, those taken away too, oldest first",
    answer=LINK,
)


@operation(
    "POST",
    "/products/<int:product_id>/links",
    tag="links",
    summary="A link more, at the product or with `lot` at one of its lots",
    scope="capture",
    body=json_body(NewLinkForm, "NewLink"),
    out=work.LinkOut(),
    status=201,
    example=SAID,
    answer=LINK,
)
def add_link(actor: Actor, product_id: int, clean: dict[str, Any]) -> Answer:
    row = links.add_link(actor, get_product(actor, product_id), clean, at=clock.now())
    address = f"/api/v1/products/{product_id}/links/{row.id}"
    return Answer(_link(row), location=address, version=row.version)


@operation(
    "GET",
    "/products/<int:product_id>/links/<int:link_id>",
    tag="links",
    summary="One link, and whether it is given out",
    scope="query",
    out=work.LinkOut(),
    answer=LINK,
)
def show_link(actor: Actor, product_id: int, link_id: int) -> Answer:
    row = _get(actor, product_id, link_id)
    return Answer(_link(row), version=row.version)


@operation(
    "PUT",
    "/products/<int:product_id>/links/<int:link_id>",
    tag="links",
    summary="All that a link says; where it hangs stays",
    scope="capture",
    body=json_body(LinkForm, "Link"),
    out=work.LinkOut(),
    changes=True,
    example=SAID,
    answer={**LINK, "version": 2},
)
def change_link(
    actor: Actor, product_id: int, link_id: int, clean: dict[str, Any], version: int
) -> Answer:
    row = _get(actor, product_id, link_id)
    links.change_link(actor, row, clean, version=version, at=clock.now())
    return Answer(_link(row), version=row.version)


@operation(
    "DELETE",
    "/products/<int:product_id>/links/<int:link_id>",
    tag="links",
    summary="Take a link away; it can be brought back",
    scope="capture",
    status=204,
)
def remove_link(actor: Actor, product_id: int, link_id: int) -> Answer:
    links.remove_link(actor, _get(actor, product_id, link_id), at=clock.now())
    return Answer(None, status=204)


@operation(
    "GET",
    "/products/<int:product_id>/links/<int:link_id>/versions",
    tag="links",
    summary="Everything a link ever said, newest first",
    scope="query",
    out=work.LinkVersionsOut(),
    answer={
        "items": [
            {
                "number": 1,
                "at": "2026-11-20T00:30:00Z",
                "action": "added",
                "content": {**SAID, "languages": "vi"},
            }
        ]
    },
)
def list_link_versions(actor: Actor, product_id: int, link_id: int) -> dict[str, Any]:
    row = _get(actor, product_id, link_id)
    return {
        "items": [
            {"number": one.number, "at": one.at, "action": one.action, "content": content}
            for one, content in links.versions_of(row)
        ]
    }


@operation(
    "POST",
    "/products/<int:product_id>/links/<int:link_id>/versions/<int:number>/restore",
    tag="links",
    summary="Bring back what a link said before; it is checked like what is new",
    scope="capture",
    out=work.LinkOut(),
    answer={**LINK, "version": 3},
)
def restore_link(actor: Actor, product_id: int, link_id: int, number: int) -> Answer:
    row = _get(actor, product_id, link_id)
    links.restore_link(actor, row, number, at=clock.now())
    return Answer(_link(row), version=row.version)
