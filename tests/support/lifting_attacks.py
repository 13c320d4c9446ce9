"""Ways to make a recall go away that must not work, told in the golden world.

Each takes a story whose lot the co-operative has recalled (`recalled`) and tries to lift it; the
packed goods, made of the lot, stay recalled for whoever checks the bundle.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.golden.checks import recall, story_event
from tests.golden.story import Story, event_of, quantity
from tests.golden.world import Organisation, Recorded, uuid4
from trace.core.signing import JsonObject, unb64url


def id_of(recorded: Recorded) -> str:
    """The statement's urn:uuid."""
    payload = json.loads(unb64url(recorded.statement.jwt.split(".")[1]))
    return str(payload["id"])


def told(story: Story, thing: str, **members: Any) -> JsonObject:
    """An event about a thing of the story."""
    return event_of(
        "ObjectEvent",
        "trace:recalling",
        "2026-11-22T10:01",
        **{
            "eventID": uuid4(story.world.random),
            "action": "OBSERVE",
            "quantityList": [quantity(thing, 120)],
            **members,
        },
    )


def declared(event: JsonObject, target: str, *corrective: str) -> JsonObject:
    """The event, declared to be in error; `corrective` are eventIDs of what stands instead."""
    declaration: JsonObject = {"declarationTime": "2026-11-22T10:01:00.000+07:00"}
    if corrective:
        declaration["correctiveEventIDs"] = list(corrective)
    return {**event, "errorDeclaration": declaration, "trace:corrects": target}


def releasing(story: Story, *ends: str, thing: str = "") -> JsonObject:
    notice = {"kind": "release", "ends": list(ends)}
    return told(story, thing or story.lot, **{"trace:notice": notice})


def recalling(story: Story) -> JsonObject:
    return told(story, story.lot, **{"trace:notice": {"kind": "recall"}})


def record(story: Story, who: Organisation, event: JsonObject) -> Recorded:
    return story.world.record(who, event)


def released_by_a_third_party(story: Story, recalled: Recorded) -> None:
    record(story, story.packer, releasing(story, id_of(recalled), thing=story.packed))


def released_in_the_name_of_another_statement(story: Story, recalled: Recorded) -> None:
    """The issuer of the recall ends a statement of somebody else, and a recall nobody gave."""
    record(story, story.coop, releasing(story, id_of(story.packing), uuid4(story.world.random)))


def released_without_naming_it(story: Story, recalled: Recorded) -> None:
    record(story, story.coop, releasing(story))


def released_before_it_was_given(story: Story, recalled: Recorded) -> None:
    """An own key chooses its statement's id: the release could stand in the log beforehand."""
    event = recalling(story)
    signed = story.world.sign(story.coop, event)
    record(story, story.coop, releasing(story, id_of(Recorded(-1, signed))))
    story.world.log(story.coop, event, signed)


def voided(story: Story, recalled: Recorded) -> None:
    record(story, story.coop, declared(recalling(story), id_of(recalled)))


def corrected_into_advice(story: Story, recalled: Recorded) -> None:
    advice = told(story, story.lot, **{"trace:notice": {"kind": "advice"}})
    record(story, story.coop, advice)
    record(story, story.coop, declared(recalling(story), id_of(recalled), advice["eventID"]))


def correction_corrected(story: Story, recalled: Recorded) -> None:
    advice = told(story, story.lot, **{"trace:notice": {"kind": "advice"}})
    first = record(story, story.coop, advice)
    record(story, story.coop, declared(recalling(story), id_of(recalled), advice["eventID"]))
    plain = told(story, story.lot)
    record(story, story.coop, plain)
    record(story, story.coop, declared(advice, id_of(first), plain["eventID"]))


def edge_voided(story: Story, recalled: Recorded) -> None:
    """The packing that made the goods of the recalled lot "did not occur"."""
    record(story, story.packer, declared(packing_of(story), id_of(story.packing)))


def edge_corrected(story: Story, recalled: Recorded) -> None:
    """The goods were "really" packed of another lot."""
    other = f"{story.lot[:-10]}{story.world.code()}"
    instead = packing_of(story, inputQuantityList=[quantity(other, 120)])
    record(story, story.packer, instead)
    error = declared(packing_of(story), id_of(story.packing), instead["eventID"])
    record(story, story.packer, error)
    # The new source's chain is shown as well, else nobody could tell what it holds.
    story.beside.append(other)


def packing_of(story: Story, **members: Any) -> JsonObject:
    return event_of(
        "TransformationEvent",
        "packing",
        "2026-11-21T14:00",
        **{
            "eventID": uuid4(story.world.random),
            "inputQuantityList": [quantity(story.lot, 120)],
            "outputQuantityList": [quantity(story.packed, 118.5)],
            **members,
        },
    )


def declared_an_error_by_another_issuer(story: Story, recalled: Recorded) -> None:
    record(story, story.packer, declared(recalling(story), id_of(recalled)))


def declared_twice(story: Story, recalled: Recorded) -> None:
    voided(story, recalled)
    corrected_into_advice(story, recalled)


def released_inside_a_declaration_of_another_issuer(story: Story, recalled: Recorded) -> None:
    release = releasing(story, id_of(recalled), thing=story.packed)
    record(story, story.packer, declared(release, id_of(recalled)))


def released_inside_a_declaration(story: Story, recalled: Recorded) -> None:
    """An error declaration repeats what a statement said; it says nothing itself."""
    record(story, story.coop, declared(releasing(story, id_of(recalled)), id_of(recalled)))


def released_and_the_release_withdrawn(story: Story, recalled: Recorded) -> None:
    release = releasing(story, id_of(recalled))
    given = record(story, story.coop, release)
    record(story, story.coop, declared(release, id_of(given)))


def told_in_another_statement_under_the_same_event_id(story: Story, recalled: Recorded) -> None:
    payload = story_event(story)
    record(story, story.coop, {**recalling(story), "eventID": payload["eventID"]})
    record(story, story.packer, declared(payload, id_of(recalled)))


ATTACKS: dict[str, Callable[[Story, Recorded], None]] = {
    attack.__name__: attack
    for attack in (
        released_by_a_third_party,
        released_in_the_name_of_another_statement,
        released_without_naming_it,
        released_before_it_was_given,
        voided,
        corrected_into_advice,
        correction_corrected,
        edge_voided,
        edge_corrected,
        declared_an_error_by_another_issuer,
        declared_twice,
        released_inside_a_declaration_of_another_issuer,
        released_inside_a_declaration,
        released_and_the_release_withdrawn,
        told_in_another_statement_under_the_same_event_id,
    )
}


def recalled_and_attacked(story: Story, *names: str) -> Recorded:
    """The lot recalled, then every attack of these names (all of them without one)."""
    given: Recorded = recall(story)
    for name in names or ATTACKS:
        ATTACKS[name](story, given)
    return given
