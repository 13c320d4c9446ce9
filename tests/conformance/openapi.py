"""The specification's own OpenAPI file, as far as the suite is driven by it.

Reads YAML (with PyYAML) or JSON. References inside the file are followed; those that lead out of it
(the schema of events) accept anything here: what events are is tested by other means. Patterns are
left out: the file's are for another dialect of regular expressions.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

Json = Any
KEPT: Final = (
    *("type", "properties", "required", "items", "enum", "allOf", "oneOf", "anyOf", "minLength"),
    *("uniqueItems", "minItems", "maxItems"),
)


@cache
def load(file: Path) -> Json:
    """The file, read."""
    text = file.read_text()
    if file.suffix == ".json":
        return json.loads(text)
    import yaml

    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def operations(file: Path, method: str) -> list[str]:
    """The paths that have this method."""
    return [path for path, item in load(file)["paths"].items() if method.lower() in item]


def responses(file: Path, path: str, method: str) -> dict[str, Json]:
    """By status, as a text, what an operation may answer; references followed."""
    given = load(file)["paths"][path][method.lower()]["responses"]
    return {str(status): resolved(file, one) for status, one in given.items()}


def parameters(file: Path, path: str, method: str, place: str) -> list[Json]:
    """An operation's parameters in one place: query, path, header."""
    item = load(file)["paths"][path]
    listed = [*item.get("parameters", ()), *item[method.lower()].get("parameters", ())]
    found = [resolved(file, one) for one in listed]
    return [one for one in found if one["in"] == place]


def resolved(file: Path, value: Json) -> Json:
    """What a reference stands for, or the value itself; {} for one that leads out of the file."""
    while isinstance(value, dict) and "$ref" in value:
        reference = value["$ref"]
        if not reference.startswith("#/"):
            return {}
        found = load(file)
        for step in reference[2:].split("/"):
            found = found[step.replace("~1", "/").replace("~0", "~")]
        value = found
    return value


def schema(file: Path, value: Json) -> Json:
    """A JSON Schema that says what the file's does, as far as KEPT goes."""
    value = resolved(file, value)
    if isinstance(value, list):
        return [schema(file, one) for one in value]
    if not isinstance(value, dict):
        return value
    found = {}
    for name in KEPT:
        if name not in value:
            continue
        part = value[name]
        if name == "properties":
            found[name] = {inner: schema(file, one) for inner, one in part.items()}
        elif name in ("items", "allOf", "anyOf"):
            found[name] = schema(file, part)
        elif name == "oneOf":  # the file's branches require nothing: what fits one fits all
            found["anyOf"] = schema(file, part)
        else:
            found[name] = part
    return found
