"""A limit of operator calls that several attempts share, as a server's agent has it (cli 3)."""

from __future__ import annotations

from collections.abc import Sequence

from ..engine.attempt import Task
from ..engine.events import RetryScheduled, TaskEnded, TaskFailed, TaskSucceeded
from ..engine.operator import OperatorContext, OperatorResult
from ..engine.runner import Runner
from ..workflow.errors import DigdagError
from .events import RequiredEvent


class SharedThreads:
    """Lets at most `limit` calls run at a time. Each attempt's runner needs a gate of its own, and is to be added."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._calls: set[tuple[int, int]] = set()
        """Attempts and their tasks."""
        self._runners: dict[int, Runner] = {}

    def gate(self, attempt_id: int) -> ThreadGate:
        return ThreadGate(self, attempt_id)

    def add(self, attempt_id: int, runner: Runner) -> None:
        """Wake this runner when there is a thread again."""
        self._runners[attempt_id] = runner

    def remove(self, attempt_id: int) -> None:
        """Forget an attempt that has ended, and give back the threads of its calls if it broke off."""
        del self._runners[attempt_id]
        self._give_back({call for call in self._calls if call[0] == attempt_id})

    def take(self, attempt_id: int, tasks: Sequence[Task]) -> list[Task]:
        """The first of the ready tasks for which there are threads; these are taken."""
        taken = list(tasks[: max(self._limit - len(self._calls), 0)])
        self._calls.update((attempt_id, task.id) for task in taken)
        return taken

    def observe(self, event: RequiredEvent) -> None:
        """Give back the thread of a call that ended."""
        match event.event:
            case TaskSucceeded() | TaskFailed() | RetryScheduled() | TaskEnded():
                self._give_back(self._calls & {(event.attempt_id, event.event.task)})
            case _:
                pass

    def _give_back(self, calls: set[tuple[int, int]]) -> None:
        self._calls -= calls
        for runner in self._runners.values() if calls else ():
            runner.wake()


class ThreadGate:
    """Holds the tasks of one attempt until there is a thread."""

    holding = False

    def __init__(self, threads: SharedThreads, attempt_id: int) -> None:
        self._threads = threads
        self._attempt_id = attempt_id

    def release(self, ready: Sequence[Task]) -> Sequence[Task]:
        groups = [task for task in ready if task.is_group]
        return groups + self._threads.take(self._attempt_id, [task for task in ready if not task.is_group])

    def calling(self, task: Task, context: OperatorContext) -> None:
        pass

    async def failed(self, task: Task, error: DigdagError) -> OperatorResult | bool:
        return False
