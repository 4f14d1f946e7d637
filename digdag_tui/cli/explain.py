"""`digdag-tui explain`: where each value that a task sees comes from, from the files alone or from an attempt."""

from __future__ import annotations

import re
import textwrap
import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import click
from msgspec import Struct

from ..debugger.environment import LocalEnvironment
from ..debugger.explain import Hint, hints
from ..debugger.explained import Explained, from_files, from_inspection, record
from ..debugger.history import find_attempt
from ..debugger.inspect import inspect
from ..debugger.launch import Launch, Loaded, load, session_time
from ..debugger.recorded import placed_events
from ..engine.attempt import Attempt
from ..engine.journal import read_journal
from ..operators.registry import operator_forms
from ..params.builtins import schedule_params
from ..params.flow import Flow, Reader
from ..params.layers import Layer, Source
from ..params.lint import flow_of, param_problems
from ..workflow.config import Params
from ..workflow.errors import DigdagError
from ..workflow.expansion import expand
from ..workflow.names import did_you_mean
from ..workflow.project import problems_of
from ..workflow.session_time import parse_session_time
from ..workflow.text import json_text
from .log import tell_damage
from .open import find_file
from .options import launch_from, launch_options
from .params_text import WIDTH, below, labelled, param_lines

_SECTIONS = {"own": "This task's own keys", "params": "Params", "built in": "Built in"}


class Answer(Struct):
    """What is told of a task: its params, who reads the one asked for, and what bites."""

    task: str
    source: str
    params: list[Explained]
    readers: list[Reader]
    hints: list[Hint]
    from_run: bool


@click.command("explain", short_help="Show where each value that a task sees comes from.")
@click.argument("file", metavar="FILE.dig | DIR")
@click.argument("task", metavar="+TASK")
@click.argument("key", required=False, metavar="[KEY]")
@click.option(
    "--attempt", "wanted", metavar="ID",
    help="As it was in a past attempt: last, its number, or SESSION/NUMBER; without it, from the files alone.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@launch_options
def command(file: str, task: str, key: str | None, wanted: str | None, as_json: bool, **options: Any) -> int:
    """Show where each value that a task sees comes from.

    That is who set it and where, what it overrode, and for a text with ${...} what it reads and comes to. TASK is the
    end of a task's name, KEY a param or a dotted path in one; with KEY it is also told who reads it. Without --attempt
    nothing is run: what only a run tells is shown as ?, with the tasks that may store it.

    The exit code is 0; 1 where there is no such task, param or attempt, or the files do not load; 2 where something
    that is shown cannot be evaluated.
    """
    try:
        launch, environment = launch_from(find_file(file), **options)
        loaded = load(launch)
        answer = _from_attempt(launch, environment, loaded, task, wanted) if wanted else None
        answer = answer or _from_files(launch, environment, loaded, task)
        flow = flow_from_files(launch, loaded)
        path = tuple(key.split(".")) if key else ()
        if path:
            answer.params = [_find(answer, path)]
            is_own = answer.params[0].section == "own"
            answer.readers = flow.own_readers(answer.task, path) if is_own else flow.readers(path)
            answer.hints = [hint for hint in answer.hints if hint.path[: len(path)] == path]
    except DigdagError as error:
        raise click.ClickException("\n".join(map(str, problems_of(error))).removeprefix("error: ")) from None
    mask = environment.secrets.masker.mask
    click.echo(mask(json_text(_record(answer)) if as_json else "\n".join(_text(answer, bool(path)))))
    return 2 if any(param.fails() for param in answer.params) else 0


def _from_attempt(
    launch: Launch, environment: LocalEnvironment, loaded: Loaded, wanted_task: str, wanted: str
) -> Answer:
    """What a task saw in a past attempt."""
    path = find_attempt(launch.project, wanted, loaded.workflow.name)
    attempt = Attempt()
    for event in placed_events(read_journal(path, output=False, on_damage=partial(tell_damage, path)), loaded):
        attempt.apply(event)
    if attempt.started is None:
        raise DigdagError(f"{path} has no attempt in it", hint="its first line is damaged")
    name = matching([task.full_name for task in attempt.tasks.values()], wanted_task)
    task = attempt.named(name)
    assert task
    inspection = inspect(attempt, task, environment.evaluator)
    if inspection.error:
        raise DigdagError(f"The params of {name} cannot be known: {inspection.error}")
    source = f"attempt {int(path.stem)} of the session {attempt.start.session_time}: {task.state}"
    found = hints(attempt, task, inspection, launch.project, loaded)
    return Answer(name, source, from_inspection(inspection), [], found, True)


def _from_files(launch: Launch, environment: LocalEnvironment, loaded: Loaded, wanted_task: str) -> Answer:
    """What the files tell of what a task will see."""
    flow = flow_from_files(launch, loaded)
    name = matching([node.full_name for node in flow.nodes], wanted_task)
    node = next(node for node in flow.nodes if node.full_name == name)
    at, _ = session_time(launch, loaded, time.time())
    params = from_files(flow, node, environment.evaluator, at)
    found = _problems(launch, loaded, params)
    return Answer(name, f"from the files, for the session {at}: ? is what only a run tells", params, [], found, False)


def flow_from_files(launch: Launch, loaded: Loaded) -> Flow:
    """Who sets the params of a workflow and who reads them."""
    layers = [Layer(Source(override.source), override.values) for override in launch.overrides]
    if loaded.schedule:
        at, _ = session_time(launch, loaded, time.time())
        layers.append(Layer(Source.SESSION, schedule_params(loaded.schedule, parse_session_time(at))))
    nodes = expand(loaded.project.directory, loaded.workflow)
    return flow_of(loaded.project, loaded.workflow, nodes, operator_forms(), layers)


def _problems(launch: Launch, loaded: Loaded, params: Sequence[Explained]) -> list[Hint]:
    """The project's warnings about the places that the params come from."""
    given = [Layer(Source(override.source), override.values) for override in launch.overrides]
    places = {param.origin.position: param.path for param in _all(params)}
    return [
        Hint(places[problem.position], problem.code, problem.message, problem.hint or "")
        for problem in param_problems(loaded.project, operator_forms(), given)
        if problem.position in places and problem.severity == "warning"
    ]


def _all(params: Sequence[Explained]) -> Iterator[Explained]:
    for param in params:
        yield param
        yield from _all(param.children)


def matching(names: Sequence[str], wanted: str) -> str:
    """The task whose name, in which `*` is any text, `wanted` is the end of.

    Raises:
        DigdagError: there is none, or there are several.
    """
    names = list(dict.fromkeys(names))
    whole = [name for name in names if name == wanted or _pattern(name).fullmatch(wanted)]
    ends = [name for name in names if name.endswith(wanted) or any(end.fullmatch(wanted) for end in _ends(name))]
    found = whole or ends
    if len(found) == 1:
        return found[0]
    if found:
        raise DigdagError(f"{wanted} may be {', '.join(found[:8])}", hint="write more of the name, from its end")
    last = "+" + wanted.rpartition("+")[2]
    near = [name for name in names if did_you_mean(last, ["+" + name.rpartition("+")[2]])]
    shown = ", ".join((near or names)[:8]) + " …" * (len(near or names) > 8)
    raise DigdagError(f"No task is named {wanted}", hint=f"did you mean {shown}?" if near else f"there are {shown}")


def _pattern(name: str) -> re.Pattern[str]:
    return re.compile("[^+^]*".join(map(re.escape, name.split("*"))))


def _ends(name: str) -> Iterator[re.Pattern[str]]:
    """What a name with `*` may end with."""
    if "*" in name:
        yield from (_pattern(name[sign.start() :]) for sign in re.finditer(r"[+^]", name))


def _find(answer: Answer, path: tuple[str, ...]) -> Explained:
    """The param at a path.

    Raises:
        DigdagError: there is none.
    """
    for param in answer.params:
        if path[:1] == param.path and (found := param.find(path)):
            return found
    above = next((found for param in answer.params if (found := param.find(path[:-1]))), None)
    names = [inner.path[-1] for inner in above.children] if above else [param.name for param in answer.params]
    where = f"{above.name} of {answer.task}" if above else answer.task
    hint = did_you_mean(path[-1], names)
    if not hint and above:
        hint = f"it has {', '.join(names[:10])}" if names else "it is no map"
    elif not hint:
        hint = f"it sees {', '.join(param.name for param in answer.params if param.section != 'built in') or 'none'}"
    raise DigdagError(f"{where} has no param {path[-1]}", hint=hint)


# Output


def _record(answer: Answer) -> Params:
    sections = {
        section.replace(" ", "_"): [
            record(param, from_run=answer.from_run) for param in answer.params if param.section == section
        ]
        for section in _SECTIONS
    }
    return {
        "task": answer.task,
        "from": "attempt" if answer.from_run else "files",
        **sections,
        "readers": [
            {"task": reader.task, "position": str(reader.position), "text": reader.text, "how": reader.how}
            for reader in answer.readers
        ],
        "warnings": [
            {"name": ".".join(hint.path), "code": hint.code, "message": hint.message, "advice": hint.advice}
            for hint in answer.hints
        ],
    }


def _text(answer: Answer, only_one: bool) -> Iterator[str]:
    yield answer.task
    yield from labelled("  ", answer.source, True)
    for section, title in _SECTIONS.items():
        params = [param for param in answer.params if param.section == section]
        if not params:
            continue
        yield ""
        if section == "built in" and not only_one:
            names = ", ".join(param.name for param in params)
            yield from textwrap.wrap(f"{title}: {names}", WIDTH, subsequent_indent="  ", break_on_hyphens=False)
            continue
        if not only_one:
            yield title
        for param in params:
            indent = 0 if only_one else 2
            yield from param_lines(param, answer.hints, from_run=answer.from_run, indent=indent, whole=only_one)
    if answer.readers:
        yield ""
        yield "Read by"
        for reader in answer.readers:
            yield from below(f"  {reader.task}", f"{reader.text}  {reader.position or ''}".strip(), 4, cut=True)
    elif only_one and answer.params[0].section != "own":
        yield ""
        yield "Read by nothing that the files tell of"
