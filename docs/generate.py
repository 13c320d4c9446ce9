"""Reference pages that come from the code: errors, commands, routes. Run by `make docs`.

A test compares what is committed with what this makes.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import click
from flask import Flask

import trace
from docs import security_pages
from trace.config import Settings
from trace.errors import TraceError

REFERENCE = Path(__file__).parent / "reference"
MADE = "<!-- Made from the code by `make docs`; changes by hand are lost. -->"


def error_classes() -> list[type[TraceError]]:
    """Every error of the package that has a code of its own, sorted by code."""
    for module in pkgutil.walk_packages(trace.__path__, "trace."):
        importlib.import_module(module.name)
    found: set[type[TraceError]] = set()
    waiting: list[type[TraceError]] = [TraceError]
    while waiting:
        error = waiting.pop()
        waiting += error.__subclasses__()
        if "code" in vars(error) and error.__module__.startswith("trace."):
            found.add(error)
    return sorted(found, key=lambda error: (error.code, error.__module__, error.__name__))


def errors_page() -> str:
    """docs/reference/errors.md"""
    lines = [
        "# Error codes",
        "",
        MADE,
        "",
        "Codes are public and keep their meaning. Machines get them as `application/problem+json`",
        "(`code`, `detail`, `path`, `status`); people get the sentence in their language.",
        "Words in `%(…)s` are filled in.",
        "",
        "| code | HTTP | sentence | what to do |",
        "| --- | --- | --- | --- |",
    ]
    for error in error_classes():
        cells = (f"`{error.code}`", str(error.status), error.message, error.next_step)
        lines.append("| " + " | ".join(map(_cell, cells)) + " |")
    return "\n".join(lines) + "\n"


def commands_page(app: Flask) -> str:
    """docs/reference/commands.md"""
    lines = [
        "# Commands",
        "",
        MADE,
        "",
        "All of them are run from the project's folder with `.venv/bin/flask --app wsgi trace …`.",
        "They read the same [settings](settings.md) as the server.",
    ]
    group = app.cli.commands["trace"]
    for words, command in _commands(group, ("trace",)):
        with click.Context(command, info_name=" ".join(words)) as context:
            usage = " ".join(command.collect_usage_pieces(context))
        lines += ["", f"## `{' '.join(words)}`", "", f"    {' '.join(words)} {usage}".rstrip(), ""]
        lines += [inspect.cleandoc(command.help or "").replace("\b\n", "").replace("\f", "")]
        options = [option for option in command.params if isinstance(option, click.Option)]
        if options:
            lines += ["", "| option | meaning |", "| --- | --- |"]
            lines += [
                f"| `{', '.join(option.opts)}` | {_cell(option.help or '')} |" for option in options
            ]
    return "\n".join(lines) + "\n"


def _commands(
    command: click.Command, words: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if not isinstance(command, click.Group):
        yield words, command
        return
    for name in sorted(command.commands):
        yield from _commands(command.commands[name], (*words, name))


def routes_page(app: Flask) -> str:
    """docs/reference/routes.md"""
    lines = [
        "# Addresses",
        "",
        MADE,
        "",
        "Printed addresses never die: none of these may vanish without a redirect in its place.",
        "",
        "| method | address | what it answers |",
        "| --- | --- | --- |",
    ]
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: (rule.rule, rule.endpoint)):
        methods = ", ".join(sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}))
        said = _first_sentence(app.view_functions[rule.endpoint])
        lines.append(f"| {methods} | `{_cell(rule.rule)}` | {_cell(said)} |")
    return "\n".join(lines) + "\n"


def _first_sentence(view: Callable[..., object]) -> str:
    return (inspect.getdoc(view) or "").split("\n\n")[0].replace("\n", " ")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def pages(app: Flask) -> dict[str, str]:
    """File name -> text of every page made here."""
    return {
        "errors.md": errors_page(),
        "commands.md": commands_page(app),
        "routes.md": routes_page(app),
        **security_pages.pages(),
    }


def main() -> None:
    """Writes the pages; needs no database."""
    from trace.app import create_app

    with tempfile.TemporaryDirectory() as folder:
        app = create_app(Settings.from_env({"TRACE_INSTANCE": folder}))
        for name, text in pages(app).items():
            (REFERENCE / name).write_text(text)


if __name__ == "__main__":
    main()
