"""What is wrong with the params of one workflow, as far as that is sure without running it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from msgspec import Struct

from ..workflow.config import Params, Value, position_of
from ..workflow.errors import Position, Problem
from ..workflow.expansion import OPEN, Node
from ..workflow.names import did_you_mean
from ..workflow.parameters import TASK_KEYS
from ..workflow.python_signature import Call
from ..workflow.python_source import Function
from .arguments import Arguments, Given, option_maps, required_problem
from .evaluate import Evaluator
from .findings import (
    FALSE_WORDS,
    FROM_OUTSIDE,
    LITERAL_SECRETS,
    NUMBER,
    beaten_problem,
    find_secret,
    joined_problem,
    raw_problem,
    secret_problem,
    truth_problem,
    warning,
)
from .flow import Flow, Setter
from .javascript.truth import is_condition, joined, truth_tests
from .layers import Binding, Layer, Origin, Source
from .reads import Read, Text, dotted, is_global, reads_of, syntax_error
from .template import TemplateError, split

_BROKEN_BY: Final = frozenset(("Array", "JSON"))
_SETTABLE: Final = frozenset(("last_session_time", "next_session_time", "last_executed_session_time"))


class Candidate(Struct, frozen=True):
    """A problem that is one only if the same text has it wherever its file is used; `place` is that text."""

    place: tuple[Position | None, str, str]
    problem: Problem | None


class Checks:
    """The checks of one workflow.

    Args:
        flow: who sets and who reads its params.
    """

    def __init__(self, flow: Flow) -> None:
        self.flow = flow

    def problems(self) -> Iterator[Problem | Candidate]:
        """Everything found, in no order, some of it more than once."""
        for node in self.flow.nodes:
            for text in self.flow.texts(node):
                yield from self.text(node, text)
            yield from self.secrets(node)
            yield from self.shadows(node)
            yield from self.beaten(node)
            if node.call:
                yield from self.arguments(node, node.call)

    # Texts

    def text(self, node: Node, text: Text) -> Iterator[Problem | Candidate]:
        error = syntax_error(text.text)
        if error:
            reason = error.reason.split("\n")[0]
            message = f"Failed to evaluate a variable {' '.join(text.text.split())} ({reason})"
            yield Problem(message, text.position, error.hint, "error")
            return
        for read in reads_of(text.text):
            name = read.path[0]
            if name in text.beside:
                continue
            if not self.flow.has(name, node):
                yield Candidate((text.position, text.text, name), self.missing(node, text, read))
                continue
            yield from self.raw(node, text, read)
            if not read.plain:
                yield from self.became_text(node, text, read)
                continue
            yield Candidate((text.position, text.text, dotted(read.path)), self.missing_inside(node, text, read))

    def missing(self, node: Node, text: Text, read: Read) -> Problem | None:
        """A variable that nothing sets before the text is evaluated."""
        name = read.path[0]
        victim = self._victim(node, name, text)
        if victim is None or read.guarded or self.flow.open_to(victim) or is_global(name):
            return None
        later = [setter for setter in self.flow.others(name, victim) if setter.layer.source is not Source.EXPORT]
        if later:
            if not read.sure and any(s.node and self.flow.sees_of_round_before(victim, s.node) for s in later):
                return None
            return self._forward(victim, name, later[0], text.position)
        if text.place == "own" and name in node.own:
            message = f"{name} is a key of {node.full_name} itself, which "
            if text.nested:
                hint = "write its value here too, or put it into an _export"
                return warning("undefined-name", message + "a text in a map does not see", text.position, hint)
            message += f"the text at {dotted(text.path)} does not see yet"
            return warning("forward-reference", message, text.position, f"move {name} above {text.path[0]}")
        return warning("undefined-name", self._nothing_sets(victim, name), text.position, self._advice(victim, name))

    def _victim(self, node: Node, name: str, text: Text) -> Node | None:
        """The first task that the text fails for."""
        if text.place != "export":
            return node
        tasks = (inner for inner in (node, *node.descendants()) if inner.operator is not None)
        return next((task for task in tasks if not self.flow.has(name, task)), None)

    def _forward(self, victim: Node, name: str, setter: Setter, position: Position | None) -> Problem:
        other = setter.node
        assert other is not None
        if other is victim or victim.index <= other.index < victim.end:
            order, advice = "itself, after this is evaluated", "set it before, in another task or an _export"
        elif self.flow.runs_before(victim, other):
            order, advice = "later", f"move {other.full_name} before it, or set {name} in an _export"
        else:
            order = "beside it, in no order"
            advice = f"run it after {other.full_name}"
        message = f"{victim.full_name} needs {name}, which {_doer(victim, other)} stores {order}"
        return warning("forward-reference", message, position, advice)

    def _nothing_sets(self, victim: Node, name: str) -> str:
        elsewhere = next((setter.node for setter in self.flow.others(name, victim) if setter.node), None)
        if elsewhere:
            return f"{name} is exported by {elsewhere.full_name} for its own tasks only, not for {victim.full_name}"
        if name.startswith(("last_session_", "next_session_")):
            return f"{name} is there only where the workflow has a schedule"
        return f"Nothing sets {name}, which {victim.full_name} needs"

    def _advice(self, victim: Node, name: str) -> str:
        if name.startswith(("last_session_", "next_session_")):
            return "add a schedule:, or give the time with -p"
        near = did_you_mean(name, sorted(self.flow.names(victim) | set(victim.own))) if len(name) > 1 else None
        shell = f", or write ${name} if it is the shell's" if victim.operator == "sh" else ""
        return near or f"give it with -p {name}=…, or set it in an _export{shell}"

    def missing_inside(self, node: Node, text: Text, read: Read) -> Problem | None:
        """A part of a map that the map surely does not have."""
        if read.path[0] in node.own and text.place != "export":
            return None
        for length in range(1, len(read.path)):
            holders = self.flow.bindings(read.path[:length], node)
            if not holders or not all(isinstance(binding.value, dict) for binding in holders):
                return None
            inner = [key for binding in holders for key in binding.value]
            name = read.path[length]
            if name in inner:
                continue
            if self.flow.open_to(node):
                return None
            whole, part = dotted(read.path[: length + 1]), dotted(read.path[:length])
            for setter in self.flow.others(read.path[0], node):
                if setter.layer.source is Source.STORE and self._sets(setter, read.path[: length + 1]):
                    return self._forward(node, whole, setter, text.position)
            hint = did_you_mean(name, inner) or _option_hint(name) or f"{part} has {', '.join(inner) or 'nothing'}"
            return warning(
                "undefined-name", f"{part} has no {name}: ${{{whole}}} is empty or fails", text.position, hint
            )
        return None

    def _sets(self, setter: Setter, path: tuple[str, ...]) -> bool:
        value: Value = setter.layer.values
        for name in path:
            if not isinstance(value, dict) or name not in value:
                return value is OPEN
            value = value[name]
        return True

    def raw(self, node: Node, text: Text, read: Read) -> Iterator[Problem]:
        """A variable that is seen before it is evaluated (core 6.4)."""
        bound = self.flow.bindings(read.path, node)
        value = bound[-1].value if bound else None
        if not (isinstance(value, str) and split(value).expressions):
            return
        if text.nested or (text.place == "export" and self._comes_later(node, text.path[0], read.path[0])):
            yield raw_problem(dotted(read.path), value, text.nested, text.path[0], text.position)

    def _comes_later(self, node: Node, key: str, name: str) -> bool:
        """Whether `name` stands behind `key` in an `_export`, and nothing below sets either."""
        keys = list(node.export)
        if name not in keys or keys.index(name) < keys.index(key):
            return False
        return all(len(self.flow.setters(each, node)) == 1 for each in (key, name))

    def became_text(self, node: Node, text: Text, read: Read) -> Iterator[Problem]:
        """A text where JavaScript wants true or false, or a number."""
        if read.path[0] in node.own and text.place != "export":
            bound = [
                Binding(node.own[read.path[0]], Layer(Source.LOCAL, node.own, node.full_name).origin(read.path[0]))
            ]
            if len(read.path) > 1:
                return
        else:
            bound = self.flow.bindings(read.path, node)
        if not bound or not isinstance(bound[-1].value, str):
            return
        value, name = bound[-1].value, dotted(read.path)
        result = self._result(value, node)
        if read.path in truth_tests(read.source) and (result in FALSE_WORDS or is_condition_text(value)):
            yield truth_problem(name, result, bound[-1], text.position)
        elif read.path in joined(read.source) and NUMBER.fullmatch(result):
            yield joined_problem(name, result, bound[-1], text.position)

    def _result(self, value: str, node: Node) -> str:
        """What a text comes to, where that takes no more than a look at what it names; else the text itself."""
        template = split(value)
        reads = reads_of(value)
        if not template.expressions or any(not read.plain for read in reads):
            return value
        scope: Params = {}
        for read in reads:
            bound = self.flow.bindings(read.path, node)
            known = bound[-1].value if bound and len(read.path) == 1 else None
            if not isinstance(known, bool | int | float | str) or (isinstance(known, str) and "$" in known):
                return value
            scope[read.path[0]] = known
        try:
            return Evaluator().text(value, scope)
        except TemplateError:
            return value

    # Keys

    def secrets(self, node: Node) -> Iterator[Problem]:
        """Secrets that no operator fills in (core 6.6)."""
        if node.operator in LITERAL_SECRETS:
            for key, value in node.own.items():
                if key not in ("_env", "_do", "_else_do") and (found := find_secret(value)):
                    yield secret_problem(found, key, position_of(node.config, key) or node.position)
        if isinstance(node.export.get("_env"), dict):
            message, place = "_env has no effect in an _export", position_of(node.export, "_env") or node.position
            yield warning("no-effect", message, place, "put it beside the operator")

    def shadows(self, node: Node) -> Iterator[Problem]:
        """Params with names that are taken: Digdag's own win over all but a task's own keys (core 6.3)."""
        for layer in self.flow.layers_of[node.index]:
            for name in layer.values:
                yield from self.shadow(name, layer.origin(name).position or node.position, layer.values[name])
        form = self.flow.operators.get(node.operator or "")
        known = TASK_KEYS | (form.keys() if form else frozenset())
        if node.operator is not None:
            for name in node.own:
                if name in self.flow.built_ins - known:
                    message = f"{name} hides Digdag's own {name} in {node.full_name}, in its templates too"
                    yield warning("shadows-built-in", message, position_of(node.config, name), "take another name")

    def shadow(self, name: str, position: Position | None, value: Value) -> Iterator[Problem]:
        if name in self.flow.built_ins - _SETTABLE:
            if name == "timezone" and value == self.flow.timezone:
                return
            advice = "write timezone: at the top of the file" if name == "timezone" else "take another name"
            message = f"{name} has no effect here: Digdag's own {name} wins"
            yield warning("shadows-built-in", message, position, advice)
        elif name in _BROKEN_BY or (name[:1].isupper() and is_global(name)) or name == "moment":
            reads = self.flow.readers((name,))
            if name in _BROKEN_BY or reads:
                message = f"{name} hides JavaScript's own {name}, which templates need"
                yield warning("shadows-built-in", message, position, "take another name")

    def beaten(self, node: Node) -> Iterator[Problem]:
        """What was given from outside and that an `_export` overrides (core 6.1)."""
        for layer in self.flow.given:
            if layer.source in FROM_OUTSIDE:
                for path, value in _leaves(layer.values, ()):
                    export: Value = node.export
                    for name in path:
                        place = position_of(export, name) if isinstance(export, dict) else None
                        export = export.get(name, export) if isinstance(export, dict) and name in export else OPEN
                    if export is not OPEN and not isinstance(export, dict) and str(export) != str(value):
                        origin = Origin(Source.EXPORT, node.full_name)
                        yield beaten_problem(layer.source, path, value, origin, place or node.position)

    # Arguments of Python functions

    def arguments(self, node: Node, call: Call) -> Iterator[Problem | Candidate]:
        """What the function of a `py>` task gets."""
        place = node.config.positions.get(node.key, node.position)
        if call.problem:
            if call.position:
                yield warning("missing-function", call.problem, place, call.advice or "correct py>")
            return
        given = partial(self.given, node)
        arguments = Arguments(self.flow.project, call, given, option_maps(self.flow.operators), place)
        yield from (problem for _, problem in arguments.problems())
        for slot in arguments.required():
            name = slot.argument.name
            lacks = self.missing_argument(node, call, name, place) if slot.how == "missing" else None
            yield Candidate((place, call.command, name), lacks)
        if function := node.function:
            yield from self._unused(node, function, call)
            for name, setters in ((name, self.flow.setters(name, node)) for name in self._catchable(node, function)):
                value = setters[-1].layer.values[name]
                if (found_secret := find_secret(value)) and setters[-1].node:
                    yield secret_problem(found_secret, name, setters[-1].binding(name).origin.position)

    def given(self, node: Node, name: str) -> Given | None:
        """The param of a name as a task may have it."""
        if name in node.own:
            origin = Layer(Source.LOCAL, node.own, node.full_name).origin(name)
            return Given(node.own[name], Binding(node.own[name], origin), is_own=True)
        if name in self.flow.built_ins:
            return Given(self.flow.timezone if name == "timezone" else OPEN, is_built_in=True)
        bound = self.flow.bindings((name,), node)
        if bound:
            return Given(bound[-1].value, bound[-1])
        scope = self.flow.bindings(("py", name), node)
        if scope:
            return Given(scope[-1].value, scope[-1])
        return Given(OPEN) if self.flow.has(name, node) else None

    def missing_argument(self, node: Node, call: Call, name: str, position: Position | None) -> Problem | None:
        """An argument that nothing gives before the task runs."""
        if self.flow.open_to(node):
            return None
        later = [setter for setter in self.flow.others(name, node) if setter.layer.source is not Source.EXPORT]
        if later:
            if any(setter.node and self.flow.sees_of_round_before(node, setter.node) for setter in later):
                return None
            return self._forward(node, name, later[0], position)
        near = did_you_mean(name, sorted({*self.flow.names(node), *node.own})) if len(name) > 2 else None
        return required_problem(call.command, name, node.full_name, position, near)

    def _catchable(self, node: Node, function: Function) -> list[str]:
        names = [argument.name for argument in function.arguments] + list(function.reads)
        return [name for name in names if name not in node.own and self.flow.setters(name, node)]

    def _unused(self, node: Node, function: Function, call: Call) -> Iterator[Problem]:
        """Keys of the task that neither its function nor a template takes."""
        if function.takes_all or function.reads_all:
            return
        form = self.flow.operators.get("py")
        known = TASK_KEYS | (form.keys() if form else frozenset()) | {"py", node.key, "_do"} | set(function.reads)
        known |= option_maps(self.flow.operators)
        known |= {argument.name for signature in call.signatures for argument in signature.arguments}
        read = {read.path[0] for text in self.flow.texts(node) for read in reads_of(text.text)}
        for key in node.own:
            if key in known or key in read or key[:1] in "_+" or node.own[key] is OPEN:
                continue
            near = did_you_mean(key, [argument.name for argument in function.arguments])
            message = f"{function.name} takes no argument {key}, and nothing else of the task uses it"
            place = position_of(node.config, key) or node.position
            yield warning("unused-key", message, place, near or "remove it, or add the argument")


def is_condition_text(value: str) -> bool:
    """Whether a text is one `${...}` that comes to true or false."""
    parts = split(value).parts
    return len(parts) == 1 and not isinstance(parts[0], str) and is_condition(parts[0].source)


def _leaves(values: Value, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Value]]:
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, (*path, key))
        else:
            yield (*path, key), value


def _doer(victim: Node, other: Node) -> str:
    return "it" if other is victim else other.full_name


def _option_hint(name: str) -> str | None:
    if name == "last_results":
        return "store_last_results: true beside the query stores it"
    return "store_content: true beside http> stores it" if name == "last_content" else None
