"""`digdag-tui run`: a workflow to its end without a screen, with Digdag's log, messages and exit codes (cli 2)."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click
from msgspec import Struct

from ..debugger.environment import LocalEnvironment
from ..debugger.events import SessionEvent
from ..debugger.gate import Opening
from ..debugger.history import session_name
from ..debugger.launch import Launch
from ..debugger.session import Session
from ..debugger.signals import ending_signals
from ..debugger.state_file import StateFileError
from ..debugger.status import StateWriter, saved_results
from ..engine.recording import Recording
from ..operators.interpreters import notice
from ..workflow.errors import DigdagError
from .faces import Face, JsonFace, LogFace
from .log import LEVELS, task_lines
from .options import INTEGER, launch_from, launch_options, log_options
from .usage import announce, log_project, log_writer, show_usage

RUN = "io.digdag.cli.Run"
STATE = "io.digdag.cli.ResumeStateManager"


class Plan(Struct, frozen=True):
    """What of a workflow runs, and what is kept of that, by `run`'s options."""

    rerun: bool
    start: str | None
    goal: str | None
    end: str | None
    no_save: bool
    dry_run: bool
    show_params: bool
    task_log: str | None

    def conflict(self) -> str | None:
        """Which options do not go together, in Digdag's words."""
        if self.start is not None and self.goal is not None:
            return "-s, --start and -g, --goal don't work together"
        if self.goal is not None and self.end is not None:
            return "-s, --start and -e, --end don't work together"
        if self.rerun and self.start is not None:
            return "-a, --rerun and -s, --start don't work together"
        if self.rerun and self.goal is not None:
            return "-a, --rerun and -g, --goal don't work together"
        return None


@click.command("run", options_metavar="", short_help="Run a workflow to its end, as `digdag run` does.")
@click.argument("words", nargs=-1, metavar="WORKFLOW[.dig] [+TASK] [OPTIONS]")
@launch_options
@click.option("-a", "--rerun", "--all", "rerun", is_flag=True, help="Run tasks again that succeeded in this session.")
@click.option("-s", "--start", metavar="+NAME", help="Run this task and those after it again.")
@click.option("-g", "--goal", metavar="+NAME", help="Run this task again with what is in it, and nothing after it.")
@click.option("-e", "--end", metavar="+NAME", help="Skip this task and those after it.")
@click.option("-o", "--save", metavar="DIR", help="Where state is saved; by default .digdag/status.")
@click.option("--no-save", is_flag=True, help="Save no state and keep no journal, and read none.")
@click.option("-d", "--dry-run", is_flag=True, help="Evaluate tasks' params, but call no operator.")
@click.option("-E", "--show-params", is_flag=True, help="Log each task's params before it is called.")
@click.option("--max-task-threads", type=INTEGER, metavar="N", help="Run at most so many tasks side by side.")
@click.option("-O", "--task-log", metavar="DIR", help="Keep a log file of each call of a task there.")
@click.option("--timezone", metavar="ZONE", expose_value=False, help="Is accepted, and changes nothing, as in Digdag.")
@click.option("--json", "as_json", is_flag=True, help="Print one event a line, the result last.")
@log_options
def command(words: tuple[str, ...], log_file: str, log_level: str, as_json: bool, **options: Any) -> int:
    """Run a workflow to its end, as `digdag run` does; with +TASK only that part of it.

    What succeeded in this session before is skipped, unless with --rerun, --start or --goal.
    """
    if not as_json:
        announce()
    if log_level not in map(str.lower, LEVELS):
        with click.get_current_context().find_root().scope():
            return show_usage(f"Unknown log level '{log_level}'")
    plan = Plan(**{name: options.pop(name) for name in Plan.__struct_fields__})
    if (conflict := plan.conflict()) or not 1 <= len(words) <= 2:
        return show_usage(conflict)
    with ExitStack() as closing:
        face: Face = JsonFace() if as_json else LogFace(log_level.upper(), log_writer(log_file, closing))
        try:
            launch, environment = launch_from(
                words[0],
                only="".join(words[1:]) or None,
                considers_journals=False,
                **{name: value for name, value in options.items() if value is not None},
            )
            environment.verbose = log_level in ("debug", "trace") or _task_log(plan, environment) is not None
            return _run(plan, launch, environment, face, closing)
        except DigdagError as error:
            face.reject(error)
            return 1


def _run(plan: Plan, launch: Launch, environment: LocalEnvironment, face: Face, closing: ExitStack) -> int:
    listeners: list[Callable[[SessionEvent], None]] = [face.show]

    def tell(event: SessionEvent) -> None:
        for listener in listeners:
            listener(event)

    log_project(launch, face.log)
    said = notice(launch.project, environment.settings)
    prepared = _rehearsed(environment, plan)
    session = Session(launch, prepared, tell, journaled=not plan.no_save, break_on_failure=False)
    loaded = session.load()
    if said and any("py>" in task.config for task in loaded.tasks):
        face.log("INFO", RUN, said)
    for unused in loaded.schedule.warnings if loaded.schedule else ():
        face.unused(unused)
    if session.session_warning:
        face.log("WARN", RUN, session.session_warning)
    folder = launch.status_folder / session_name(session.session_time or "")
    if not plan.no_save:
        face.log("INFO", RUN, f"Using session {folder}.")
    saved = saved_results(
        folder, loaded.tasks, lambda error: face.log("WARN", STATE, _runs_again(error)),
        rerun=plan.rerun, start=plan.start, goal=plan.goal, end=plan.end,
    )  # fmt: skip
    writer = StateWriter(folder, saved.taken, environment.secrets.masker.mask)
    if not plan.no_save:
        listeners.append(lambda event: writer.observe(event, session.attempt))
    if logs := _task_log(plan, environment):
        listeners.append(_task_logs(logs, environment, closing))
    try:
        asyncio.run(_attempt(session, Opening(recording=Recording() if plan.no_save else saved)))
    finally:
        environment.keep.close()
        writer.close()
        for problem in writer.problems:
            face.log("ERROR", STATE, f"Failed to write state file: {problem}")
    for line in task_lines(session.attempt) if environment.verbose else ():
        face.log("DEBUG", RUN, environment.secrets.masker.mask(line))
    return face.end(session, None if plan.no_save else folder)


async def _attempt(session: Session, opening: Opening) -> None:
    for number in (signal.SIGINT, *ending_signals()):
        asyncio.get_running_loop().add_signal_handler(number, session.stop)
    await session.run_attempt(opening)


def _runs_again(error: StateFileError) -> str:
    place = f"{error.position}: " if error.position else ""
    return f"{place}{error.message}; its task runs again"


def _rehearsed(environment: LocalEnvironment, plan: Plan) -> LocalEnvironment:
    if not (plan.dry_run or plan.show_params):
        return environment
    from .rehearsal import rehearsed

    return rehearsed(environment, plan.dry_run, plan.show_params)


def _task_log(plan: Plan, environment: LocalEnvironment) -> str | None:
    """Where tasks' logs are kept: `-O`, or as the configuration has it."""
    if plan.task_log is None and environment.settings.get("log-server.type") == "local":
        return environment.settings.get("log-server.local.path", "digdag.log")
    return plan.task_log


def _task_logs(directory: str, environment: LocalEnvironment, closing: ExitStack) -> Callable[[SessionEvent], None]:
    from .log_files import TaskLogs

    try:
        logs = TaskLogs(Path(directory).absolute(), environment.secrets.masker)
    except OSError as error:
        raise click.ClickException(f"{directory}: {error.strerror}") from None
    closing.callback(logs.close)
    return logs.observe
