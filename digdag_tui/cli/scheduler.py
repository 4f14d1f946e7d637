"""`digdag-tui scheduler`: runs the sessions of the project's schedules when they are due (cli 3)."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..debugger.events import RequiredEvent
from ..debugger.signals import ending_signals
from ..engine.events import AttemptFinished, AttemptStarted
from ..workflow.errors import DigdagError
from .faces import places
from .log import LEVELS, LogPrinter
from .log_files import TaskLogs
from .options import INTEGER, Function, config_option, launch_from, log_options, param_options
from .usage import announce, log_project, log_writer, show_usage

if TYPE_CHECKING:
    from ..debugger.scheduler import Scheduler


def _refuse(ctx: click.Context, option: click.Parameter, value: str | None) -> None:
    if value is not None:
        names = "/".join(option.opts)
        raise click.ClickException(f"{names}: the scheduler opens no port and keeps no database: leave the option out")


def server_options(function: Function) -> Function:
    """Options of Digdag's scheduler for its REST API and its database; this one has its state in memory."""
    function = click.option("-m", "--memory", is_flag=True, hidden=True, expose_value=False)(function)
    for names in (("-n", "--port"), ("-b", "--bind"), ("-o", "--database"), ("-A", "--access-log"), ("-H", "--header")):
        function = click.option(*names, "server", hidden=True, expose_value=False, callback=_refuse)(function)
    return function


@click.command("scheduler", short_help="Run the sessions of the project's schedules when they are due.")
@click.argument("words", nargs=-1, metavar="")
@click.option("--project", metavar="DIR", help="The project's directory; by default the current one.")
@param_options
@click.option("--max-task-threads", type=INTEGER, metavar="N", help="Run at most so many tasks side by side.")
@config_option
@click.option("-X", "system", multiple=True, metavar="KEY=VALUE", help="Such as executor.attempt_max_run=10.")
@click.option("-O", "--task-log", metavar="DIR", help="Keep a log file of each call of a task there.")
@server_options
@log_options
def command(words: tuple[str, ...], log_file: str, log_level: str, task_log: str | None, **options: Any) -> int:
    """Run the sessions of the project's schedules when they are due, until Ctrl-C.

    Tasks run in the project's directory itself. Changes of workflow files are taken as they are saved.
    """
    announce()
    if words:
        return show_usage()
    if log_level not in map(str.lower, LEVELS):
        return show_usage(f"Unknown log level '{log_level}'")
    with ExitStack() as closing:
        face = SchedulerFace(log_level.upper(), log_writer(log_file, closing))
        try:
            scheduler = _scheduler(face, task_log, options)
            scheduler.load()
        except DigdagError as error:
            click.echo("\n".join([f"error: {error.log_message}", *places(error)]), err=True)
            return 1
        asyncio.run(_run(scheduler))
    return 0


class SchedulerFace:
    """Prints the scheduler's log, and what happens in its attempts, as it comes."""

    def __init__(self, level: str, write: Callable[[str], None] | None) -> None:
        self._new_printer = partial(LogPrinter, sys.stdout, level, write)
        self._printer = self._new_printer()
        self._attempts: dict[int, tuple[LogPrinter, TaskLogs | None]] = {}
        self.task_logs: Callable[[], TaskLogs] | None = None
        """Makes the log files of an attempt's tasks, for `-O`."""

    @property
    def shows_debug(self) -> bool:
        return self._printer.shows("DEBUG")

    def log(self, level: str, logger: str, message: str) -> None:
        """A line of the scheduler's own log."""
        self._printer.line(level, logger, message)
        sys.stdout.flush()

    def show(self, event: RequiredEvent) -> None:
        """Print what an event of an attempt says."""
        if isinstance(event.event, AttemptStarted):
            self._attempts[event.attempt_id] = self._new_printer(), self.task_logs() if self.task_logs else None
        printer, logs = self._attempts[event.attempt_id]
        printer.show(event)
        sys.stdout.flush()
        if logs:
            logs.observe(event.event)
        if isinstance(event.event, AttemptFinished):
            del self._attempts[event.attempt_id]
            if logs:
                logs.close()


def _scheduler(face: SchedulerFace, task_log: str | None, options: dict[str, Any]) -> Scheduler:
    """What runs the project's schedules.

    Raises:
        DigdagError: an option is not valid.
    """
    from ..debugger.scheduler import Scheduler

    launch, environment = launch_from("", **options)
    environment.verbose = face.shows_debug or task_log is not None
    if task_log:
        face.task_logs = partial(TaskLogs, Path(task_log).absolute(), environment.secrets.masker)
    log_project(launch, face.log)
    return Scheduler(launch, environment, face.log, face.show)


async def _run(scheduler: Scheduler) -> None:
    for number in (signal.SIGINT, *ending_signals()):
        asyncio.get_running_loop().add_signal_handler(number, scheduler.stop)
    await scheduler.run()
