"""Makes `digdag-compatibility.md` of the code and of `compatibility.yml`.

python docs/make.py
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import yaml

from digdag_tui.operators.catalog import CATALOG
from digdag_tui.workflow.parameters import OperatorForm, Parameter
from digdag_tui.workflow.text import json_text

HERE = Path(__file__).parent
PAGE = HERE / "digdag-compatibility.md"
HEAD = """\
# How digdag-tui compares with Digdag

Compared with Digdag 0.10.6: `docs/make.py` makes this page from the code and from `docs/compatibility.yml`, and a test
holds it to them. All {cases} recorded workflows of the real Digdag go the same way here; none is excepted.

A line without a mark is the same as in Digdag. **Different** and **absent** ones say why.
"""


def page() -> str:
    """The page's text."""
    data = yaml.safe_load((HERE / "compatibility.yml").read_text(encoding="utf-8"))
    parts = [
        HEAD.format(cases=data["recorded"]),
        *differences(data),
        *rules(data["rules"]),
        *operators(data["operators"]),
        *commands(data["commands"], data["absent"]),
    ]
    return "\n".join(parts)


def differences(data: dict[str, Any]) -> Iterator[str]:
    """Everything that is not the same, first."""
    yield "## All differences\n"
    yield from table(["what", "", "why"], collected(data))


def collected(data: dict[str, Any]) -> Iterator[list[str]]:
    for section in data["rules"]:
        for rule in section["rules"]:
            if isinstance(rule, dict):
                yield [f"{section['title']}: {rule['rule']}", mark(rule), rule["why"]]
    for names, notes in data["operators"].items():
        for note in notes:
            yield [f"{called(names)}: {note['rule']}", mark(note), note["why"]]
    services = sorted({form.service for form in CATALOG.values() if form.service})
    yield [
        f"Operators of {', '.join(services[:-1])} and {services[-1]}", "**different**",
        "checked and rendered here, never called: `--remote-operators` says what happens instead, pins give results",
    ]  # fmt: skip
    for name, command in data["commands"].items():
        for note in command["differs"]:
            yield [f"`{name}`: {note['rule']}", mark(note), note["why"]]
    for entry in data["absent"]:
        yield [f"commands {entry['commands']}", "**absent**", entry["why"]]


def rules(sections: list[dict[str, Any]]) -> Iterator[str]:
    """The language and the engine."""
    yield "## The language and the engine\n"
    for section in sections:
        yield f"### {section['title']} ({section['chapter']})\n"
        for rule in section["rules"]:
            yield f"- {rule}" if isinstance(rule, str) else f"- {mark(rule)}: {rule['rule']}: {rule['why']}"
        yield "\nPinned by " + ", ".join(f"`{test}`" for test in section["tests"]) + ".\n"


def operators(notes: dict[str, list[dict[str, str]]]) -> Iterator[str]:
    """Each operator with its parameters."""
    yield "## Operators\n"
    for form in CATALOG.values():
        yield f"### `{form.name}>`\n"
        yield about(form) + "\n"
        rows = [described(parameter) for parameter in form.parameters]
        if rows:
            yield from table(["parameter", "type", "default"], rows)
        own = [note for names, about in notes.items() if form.name in names.split(", ") for note in about]
        yield from (f"- {mark(note)}: {note['rule']}: {note['why']}" for note in own)
        if own:
            yield ""


def about(form: OperatorForm) -> str:
    said = [f"Command: {form.command.type}" + (", required." if form.command.required else ".")]
    if form.template:
        said.append("It names a file whose templates are filled in.")
    if form.scopes:
        said.append(f"Keys may stand below {' or '.join(f'`{scope}`' for scope in form.scopes)}.")
    if form.secrets:
        said.append(f"Secrets: {', '.join(f'`{secret}`' for secret in form.secrets)}.")
    if form.stores:
        said.append(f"Stores such as `{json_text(form.stores)}`.")
    if form.resets:
        said.append(f"Clears {', '.join(f'`{key}`' for key in form.resets)} first.")
    if form.service:
        said.append(f"**Different**: {form.service} is not called.")
    return " ".join(said)


def described(parameter: Parameter) -> list[str]:
    default = (
        "required" if parameter.required else "" if parameter.default is None else f"`{json_text(parameter.default)}`"
    )
    return [f"`{parameter.name}`", parameter.type, default]


def commands(ours: dict[str, dict[str, Any]], absent: list[dict[str, str]]) -> Iterator[str]:
    """Each command with its options, and Digdag's that are not here."""
    yield "## Commands\n"
    for name, about in ours.items():
        yield f"### `{name}`\n"
        found = list(options(name))
        known = {each for option in found for each in option.opts}
        rows = [row(option, about["options"]) for option in found if not option.hidden]
        rows += [[f"`{missing}`", "**absent**", ""] for missing in about["options"] if missing not in known]
        yield from table(["option", "", ""], rows)
        for note in about["differs"]:
            yield f"- {mark(note)}: {note['rule']}: {note['why']}"
        if about["differs"]:
            yield ""
    for entry in absent:
        yield f"**Absent**: {entry['commands']}: {entry['why']}.\n"


def options(command: str) -> Iterator[click.Option]:
    """The options of a command."""
    found: click.Command = import_module(f"digdag_tui.cli.{command}").command
    return (param for param in found.params if isinstance(param, click.Option))


def row(option: click.Option, digdag: list[str]) -> list[str]:
    names = f"`{', '.join(option.opts)}`"
    return [names, "same" if set(option.opts) & set(digdag) else "ours", (option.help or "").replace("|", "\\|")]


def called(names: str) -> str:
    """`sh, py` as `sh>`, `py>`."""
    return ", ".join(f"`{name}>`" for name in names.split(", "))


def mark(note: dict[str, str]) -> str:
    return f"**{note['status']}**"


def table(head: list[str], rows: Iterable[list[str]]) -> Iterator[str]:
    for row in [head, ["---"] * len(head), *rows]:
        yield f"| {' | '.join(row)} |"
    yield ""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
