"""`digdag-tui py`: the function of one `py>` task, called with the values that the workflow would give it."""

from __future__ import annotations

import asyncio
import signal
import time
from functools import partial
from typing import Any

import click
import msgspec

from ..debugger.alone import Alone, alone_from_files, alone_in_attempt, is_python
from ..debugger.environment import LocalEnvironment
from ..debugger.history import find_attempt
from ..debugger.launch import Launch, load, session_time, start_event
from ..debugger.recorded import placed_events
from ..debugger.signals import ending_signals
from ..debugger.trial import Trial, try_task
from ..engine.attempt import Attempt
from ..engine.events import Override
from ..engine.journal import read_journal
from ..engine.operator import OperatorContext
from ..params.layers import Source
from ..workflow.config import Value
from ..workflow.errors import DigdagError
from ..workflow.pins import Pins
from ..workflow.project import problems_of
from .call_face import CallFace
from .explain import flow_from_files, matching
from .log import tell_damage
from .open import find_file
from .options import launch_from, launch_options

_FAREWELL = 2.0
"""Seconds that an editor has to hear that the task has ended."""

_ON_TOP = (Source.PARAMS_FILE, Source.COMMAND_LINE)


@click.command("py", options_metavar="", short_help="Call the function of one py> task alone.")
@click.argument("words", nargs=-1, metavar="[FILE.dig | DIR] +TASK [OPTIONS]")
@click.option(
    "--attempt", "wanted", metavar="ID",
    help="With the values of a past attempt: last, its number, or SESSION/NUMBER; without it, of the files alone.",
)  # fmt: skip
@click.option("--debug", is_flag=True, help="Wait for an editor's debugger before the function is called.")
@click.option("--json", "as_json", is_flag=True, help="Print one event a line: what is called, its output, the result.")
@launch_options
def command(words: tuple[str, ...], wanted: str | None, debug: bool, as_json: bool, **options: Any) -> int:
    """Call the function of one py> task alone, with the values that the workflow would give it.

    TASK is the end of the task's name. What -p and -P give lies on top of everything here. No other task runs and
    nothing is kept of the run, but what the function does outside, in files or databases, is done. The exit code is 0
    when it succeeded.
    """
    if not 1 <= len(words) <= 2:
        raise click.UsageError("name a task, such as `digdag-tui py main.dig +load`")
    try:
        launch, environment = launch_from(find_file(words[0] if words[1:] else "."), **options)
        environment = msgspec.structs.replace(environment, pins=Pins())
        alone, source = _prepare(launch, environment, words[-1], wanted)
    except DigdagError as error:
        raise click.ClickException("\n".join(map(str, problems_of(error))).removeprefix("error: ")) from None
    face = CallFace(environment, alone, as_json)
    face.show_call(source, from_run=wanted is not None)
    if alone.unknown:
        face.refuse(_unknown(alone, wanted))
        return 1
    trial = asyncio.run(_call(alone, environment, face, debug))
    face.show_result(trial)
    return 0 if trial and trial.success else 1


def _prepare(launch: Launch, environment: LocalEnvironment, wanted_task: str, wanted: str | None) -> tuple[Alone, str]:
    """The task, and where its values come from in words."""
    given: dict[str, tuple[Source, Value]] = {}
    kept: list[Override] = []
    for override in launch.overrides:
        if (giver := Source(override.source)) in _ON_TOP:
            given |= {name: (giver, value) for name, value in override.values.items()}
        else:
            kept.append(override)
    launch = msgspec.structs.replace(launch, overrides=tuple(kept))
    loaded = load(launch)
    flow = flow_from_files(launch, loaded)
    if wanted:
        path = find_attempt(launch.project, wanted, loaded.workflow.name)
        attempt = Attempt()
        for event in placed_events(read_journal(path, output=False, on_damage=partial(tell_damage, path)), loaded):
            attempt.apply(event)
        if attempt.started is None:
            raise DigdagError(f"{path} has no attempt in it", hint="its first line is damaged")
        tasks = {task.full_name: is_python(task.config) for task in attempt.tasks.values()}
        task = attempt.named(_python_task(tasks, wanted_task))
        assert task
        source = f"attempt {int(path.stem)} of the session {attempt.start.session_time}: {task.state}"
        return alone_in_attempt(attempt, task, given, environment.evaluator, flow), source
    name = _python_task({node.full_name: node.operator in ("py", "") for node in flow.nodes}, wanted_task)
    node = next(node for node in flow.nodes if node.full_name == name)
    now = time.time()
    started = start_event(launch, loaded, session_time(launch, loaded, now)[0], now)
    source = f"the files, for the session {started.session_time}"
    return alone_from_files(flow, node, given, environment.evaluator, started), source


def _python_task(tasks: dict[str, bool], wanted: str) -> str:
    """The name of the `py>` task that is meant; `tasks` tells of each whether it is one.

    Raises:
        DigdagError: there is none, or there are several.
    """
    names = [name for name, runs_python in tasks.items() if runs_python]
    if not any(name.endswith(wanted) for name in names):
        others = [name for name in tasks if name.endswith(wanted)]
        if others:
            inside = ", ".join(name for name in names if name.startswith(others[0]))
            hint = f"in it are {inside}" if inside else "digdag-tui run FILE +TASK runs any task, with what is in it"
            raise DigdagError(f"{others[0]} is no py> task", hint=hint)
    if not names:
        raise DigdagError("The workflow has no py> task")
    return matching(names, wanted)


def _unknown(alone: Alone, wanted: str | None) -> str:
    """The sentence about what is not known."""
    whose = "in that attempt" if wanted else "before the workflow runs"
    reasons = {unknown.name: unknown.why for unknown in reversed(alone.unknown)}
    options = " ".join(f"-p {name}=…" for name in reversed(reasons))
    other = "" if wanted else ", or take the values of an attempt with --attempt last"
    return f"not known {whose}: {'; '.join(reversed(reasons.values()))}\n  give {options}{other}"


async def _call(alone: Alone, environment: LocalEnvironment, face: CallFace, debug: bool) -> Trial | None:
    """Call the task; None if the person stopped it."""
    loop, calling = asyncio.get_running_loop(), asyncio.current_task()
    assert calling
    for number in (signal.SIGINT, *ending_signals()):
        loop.add_signal_handler(number, calling.cancel)
    editors = _Editors(environment, face) if debug else None

    def prepare(context: OperatorContext) -> None:
        context.keep = None  # a warm parent does not pay for one task
        if editors:
            editors.let_in(context)

    try:
        return await try_task(alone.attempt, alone.task, alone.values, environment, hear=face.hear, calling=prepare)
    except asyncio.CancelledError:
        return None
    finally:
        if editors:
            await editors.close()


class _Editors:
    """Lets an editor in to the task while it waits and runs."""

    def __init__(self, environment: LocalEnvironment, face: CallFace) -> None:
        from ..debugger.editor_port import EditorPort

        self._port = EditorPort(environment.project, face.tell)

    def let_in(self, context: OperatorContext) -> None:
        """Have the task wait for an editor before its function is called."""
        from ..debugger.editor_port import root_of

        context.debug_python = True
        context.debug_waiting = lambda host, port: self._port.offer(context.task_id, host, port, root_of(context))

    async def close(self) -> None:
        """Let nobody in any more; an editor that is there still hears of the end."""
        self._port.close_all()
        if visits := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(visits, timeout=_FAREWELL)
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)  # one that stays is cut off
