"""Who sets the params of a workflow and who reads them, found without running it.

What cannot be known so is never guessed: a value is `OPEN`, and a task may be `open`, so that it may store anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from ..workflow.config import Config, Params
from ..workflow.errors import Position
from ..workflow.expansion import OPEN, Node
from ..workflow.parameters import OperatorForm
from ..workflow.sources import shown_path
from .builtins import BuiltIns
from .layers import Binding, Layer, Resolution, Source
from .reads import LEFT_ALONE, Text, reads_of, texts_in, uses_time

How: TypeAlias = Literal["template", "argument", "option", "variable", "all"]

MANY: Final = 200
"""More tasks that set the same name are not told apart: there is no end to them in a workflow of many thousands."""

_TIME = "2026-01-01T00:00:00+00:00"
_STORED_ONLY_WITH = {"last_results": "store_last_results", "last_content": "store_content"}


class Reader(Struct, frozen=True):
    """Who reads a param: the task, the place in a file, and the text, argument or option that does."""

    task: str
    position: Position | None
    text: str
    how: How


class Setter(Struct, frozen=True):
    """Who sets a param: a task, or None for what is given from outside."""

    node: Node | None
    layer: Layer

    def binding(self, name: str) -> Binding:
        return Binding(self.layer.values[name], self.layer.origin(name))


class Flow:
    """The params of one workflow.

    Args:
        nodes: its tasks, from `expand`.
        project: its directory, absolute.
        operators: all operators there are, by name, with what is known of them.
        given: the layers of params that the run is given.
        timezone: the workflow's.
        is_scheduled: whether the workflow has a schedule, and so the times of the sessions before and after.
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        project: Path,
        operators: Mapping[str, OperatorForm | None],
        given: Sequence[Layer] = (),
        *,
        timezone: str = "UTC",
        is_scheduled: bool = False,
    ) -> None:
        self.nodes = nodes
        self.project = project
        self.operators = operators
        self.given = list(given)
        self.timezone = timezone
        self.built_ins = _built_in_names(is_scheduled)
        self._setters: dict[str, list[Setter]] = {}
        self._siblings: dict[int, tuple[dict[int, int], dict[int, int]]] = {}
        self._open: list[Node] = []
        self.layers_of: list[list[Layer]] = []
        for layer in self.given:
            self._note(None, layer)
        for node in nodes:
            layers = list(self._gives(node))
            self.layers_of.append(layers)
            for layer in layers:
                self._note(node, layer)
            if self._is_open(node):
                self._open.append(node)

    def _note(self, node: Node | None, layer: Layer) -> None:
        for name in layer.values:
            self._setters.setdefault(name, []).append(Setter(node, layer))

    # Who sets

    def setters(self, name: str, node: Node) -> list[Setter]:
        """Who may set what `node` sees as the param `name`, the lowest first; its own keys do not count.

        Of more than `MANY` none is told.
        """
        setters = self._setters.get(name, ())
        return [setter for setter in setters if _gives_to(self, setter, node)] if len(setters) <= MANY else []

    def others(self, name: str, node: Node) -> list[Setter]:
        """Who sets `name` where `node` does not see it, in file order."""
        seen = {id(setter) for setter in self.setters(name, node)}
        return [setter for setter in self._setters.get(name, ()) if id(setter) not in seen]

    def all_setters(self, name: str) -> list[Setter]:
        """Who stores `name` anywhere, in file order."""
        return [setter for setter in self._setters.get(name, ()) if setter.layer.source is Source.STORE]

    def open_to(self, node: Node) -> Node | None:
        """A task that may have stored anything that `node` sees; of more than `MANY` one is taken for it."""
        seen = (open for open in self._open[:MANY] if self.sees(node, open))
        return next(seen, self._open[0] if len(self._open) > MANY else None)

    def sees(self, node: Node, other: Node) -> bool:
        """Whether `node` sees what `other` stored: `other` is above it, or in what it or a task above it waits for."""
        if other.index <= node.index < other.end:
            return node is not other
        if node.index < other.index < node.end:
            return False
        lower, upper = _below_common(node, other)
        return self._waits_for(lower, upper)

    def sees_of_round_before(self, node: Node, other: Node) -> bool:
        """Whether a later round of a loop sees what `other` stored in the round before."""
        return any(above.is_round and above.index <= other.index < above.end for above in (node, *node.ancestors()))

    def runs_before(self, node: Node, other: Node) -> bool:
        """Whether `node` surely has ended when `other` starts."""
        return not (node.index <= other.index < node.end) and self.sees(other, node)

    def _waits_for(self, node: Node, sibling: Node) -> bool:
        """Whether a task waits for a sibling, directly or not; a set of siblings is kept as the bits of a number."""
        if node.parent is None:
            return False
        if node.parent.index not in self._siblings:
            places = {child.index: place for place, child in enumerate(node.parent.children)}
            sets: dict[int, int] = {}
            for child in node.parent.children:
                found = 0
                for upstream in child.upstreams:
                    found |= sets.get(upstream.index, 0) | 1 << places[upstream.index]
                sets[child.index] = found
            self._siblings[node.parent.index] = places, sets
        places, sets = self._siblings[node.parent.index]
        return bool(sets[node.index] >> places[sibling.index] & 1)

    def layers(self, node: Node) -> list[Layer]:
        """The layers of a task's params below the built-in ones and its own keys, the lowest first (core 6.2)."""
        found = list(self.given)
        for other in self.nodes[: node.index + 1]:
            for layer in self.layers_of[other.index]:
                if _gives_to(self, Setter(other, layer), node):
                    found.append(layer)
        return found

    def names(self, node: Node) -> set[str]:
        """All names of params that `node` may see, the built-in ones among them."""
        return {name for name in self._setters if self.setters(name, node)} | self.built_ins

    def has(self, name: str, node: Node) -> bool:
        """Whether a param may be there."""
        if name in self.built_ins or len(self._setters.get(name, ())) > MANY:
            return True
        return bool(self.setters(name, node))

    def bindings(self, path: tuple[str, ...], node: Node) -> list[Binding]:
        """What the layers may bind at a path, the lowest first."""
        bound = [setter.binding(path[0]) for setter in self.setters(path[0], node)]
        return Resolution({}, {path[0]: bound}).bindings_of(path)

    def _gives(self, node: Node) -> Iterator[Layer]:
        """What a task sets, in the order in which it counts."""
        if node.export:
            yield Layer(Source.EXPORT, node.export, node.full_name)
        if node.function:
            for source, names in (
                (Source.RUNTIME_EXPORT, node.function.exports),
                (Source.STORE, node.function.stores),
            ):
                if names:
                    yield Layer(source, Config(dict.fromkeys(names, OPEN), names), node.full_name)
        if node.operator == "param_get":
            kept = {str(value): OPEN for key, value in node.own.items() if not key.endswith(">") and key[:1] != "_"}
            yield Layer(Source.STORE, kept, node.full_name)
        form = self.operators.get(node.operator or "")
        if form and form.stores:
            stored = self._stored(form, node)
            places = dict.fromkeys(stored, node.config.positions.get(node.key, node.position))
            yield Layer(
                Source.STORE,
                Config(stored, {key: place for key, place in places.items() if place}),
                node.full_name,
                form.resets,
            )

    def _stored(self, form: OperatorForm, node: Node) -> Params:
        """What an operator stores, with open values; some of it only if an option says so."""
        return {
            name: {
                key: OPEN
                for key in values
                if (option := _STORED_ONLY_WITH.get(key)) is None
                or node.config.get(option) not in (None, False, "false")
                or any(self._may_have(place, option, node) for place in (*form.scopes, option))
            }
            for name, values in form.stores.items()
            if isinstance(values, dict)
        }

    def _may_have(self, place: str, option: str, node: Node) -> bool:
        """Whether an option of an operator may come from the params: as such, or in the map at `place`."""
        above = (*(layer.values for layer in self.given), *(up.export for up in (node, *node.ancestors())))
        found = [values[place] for values in above if place in values]
        return any(place == option or not isinstance(value, dict) or option in value for value in found)

    def _is_open(self, node: Node) -> bool:
        """Whether a task may store what nothing tells of."""
        if node.operator is None:
            return node.may_generate
        if node.function:
            return node.function.is_open or node.may_generate
        unknown = node.operator not in self.operators or self.operators[node.operator] is None
        return unknown or node.operator in ("py", "rb") or node.may_generate

    # Who reads

    def texts(self, node: Node) -> Iterator[Text]:
        """The texts that are evaluated for a task, but those of exports above it."""
        yield from self.exported_texts(node)
        if node.operator is None:
            return
        beside: set[str] = set()
        for key, value in node.own.items():
            if key not in LEFT_ALONE and key[:1] != "+":
                place = node.config.positions.get(key, node.position)
                yield from texts_in(value, (key,), place, "own", frozenset(beside), False)
            beside.add(key)
        yield from self._file_texts(node)

    def exported_texts(self, node: Node) -> Iterator[Text]:
        """The texts of a task's `_export`, which are evaluated for each operator in it."""
        places = node.export.positions if isinstance(node.export, Config) else {}
        for key, value in node.export.items():
            if key not in LEFT_ALONE:
                yield from texts_in(value, (key,), places.get(key, node.position), "export", frozenset(), False)

    def _file_texts(self, node: Node) -> Iterator[Text]:
        """The templates of a file that the command names."""
        form, command = self.operators.get(node.operator or ""), node.command
        if not (form and form.template and isinstance(command, str) and "$" not in command and node.folder is not None):
            return
        path = self.project / node.folder / command
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except (OSError, ValueError):
            return
        file, own = shown_path(path, self.project), frozenset(node.own)
        for found in re.finditer(r"\$\{[^{}]*\}", text):
            line = text.count("\n", 0, found.start()) + 1
            column = found.start() - text.rfind("\n", 0, found.start())
            yield Text(found[0], (node.key,), Position(file, line, column), "file", own)

    def readers(self, path: tuple[str, ...]) -> list[Reader]:
        """Who reads the param at `path`, or a part of it, in the order of the tasks."""
        found: list[Reader] = []
        for node in self.nodes:
            found += self._template_readers(node, path)
            if node.operator is not None and path[0] not in node.own:
                found += self._operator_readers(node, path)
        return list(dict.fromkeys(found))

    def own_readers(self, task: str, path: tuple[str, ...]) -> list[Reader]:
        """What reads the key at `path` of a task's own: its operator, or the function that it calls."""
        nodes = (node for node in self.nodes if node.full_name == task and node.operator is not None)
        return [reader for node in nodes for reader in self._operator_readers(node, path)]

    def _template_readers(self, node: Node, path: tuple[str, ...]) -> Iterator[Reader]:
        for text in self.texts(node):
            if (path[0] in text.beside or path[0] in node.own) and text.place != "export":
                continue
            shared = (read.path[: len(path)] == path[: len(read.path)] for read in reads_of(text.text))
            if any(shared) or (path == ("timezone",) and uses_time(text.text)):
                yield Reader(node.full_name, text.position, text.text, "template")

    def _operator_readers(self, node: Node, path: tuple[str, ...]) -> Iterator[Reader]:
        place = node.config.positions.get(node.key, node.position)
        name, function, form = path[0], node.function, self.operators.get(node.operator or "")
        if function:
            argument = function.argument(name)
            if argument:
                yield Reader(node.full_name, function.position, f"{function.name}({argument})", "argument")
            elif name in function.reads:
                yield Reader(node.full_name, function.reads[name], f'digdag.env.params["{name}"]', "variable")
            elif function.takes_all and name not in ("docker", "py"):
                yield Reader(node.full_name, function.position, f"{function.name}(**)", "all")
        elif node.operator == "sh" and re.search(rf"\${re.escape(name)}\b", str(node.command)):
            yield Reader(node.full_name, place, f"${name}", "variable")
        for option in form.parameters if form else ():
            if option.type == "tasks" or option.name in node.own:
                continue
            for scope in ("", *(form.scopes if form else ())):
                wanted = (*scope.split("."), option.name) if scope else (option.name,)
                if wanted[: len(path)] == path[: len(wanted)]:
                    yield Reader(node.full_name, place, f"{node.operator}> {option.name}", "option")


def _gives_to(flow: Flow, setter: Setter, node: Node) -> bool:
    """Whether `node` sees what `setter` sets: exports are seen in the exporting task only."""
    other = setter.node
    if other is None or (other is node and setter.layer.source is Source.EXPORT):
        return True
    if setter.layer.source is Source.STORE:
        return flow.sees(node, other)
    return other is not node and other.index <= node.index < other.end


def _below_common(node: Node, other: Node) -> tuple[Node, Node]:
    """The nodes on the way down to both from the task that both are in."""
    while node.depth > other.depth and node.parent:
        node = node.parent
    while other.depth > node.depth and other.parent:
        other = other.parent
    while node.parent is not other.parent and node.parent and other.parent:
        node, other = node.parent, other.parent
    return node, other


@cache
def _built_in_names(is_scheduled: bool) -> frozenset[str]:
    times = {"last_session_time": _TIME, "next_session_time": _TIME} if is_scheduled else {}
    return frozenset(BuiltIns("", _TIME, "UTC", retry_attempt_name="").for_task("+task", times)) | times.keys()
