"""What the keys do: each action asks whether it is possible, then gives the session its command."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from textual.app import App
from textual.binding import BindingType

from ..debugger.events import DebuggerWaiting, Notice, SessionEvent
from ..engine.attempt import DONE, Task
from .actions import ACTIONS, Action, bindings
from .boxes import KeyBar
from .palette import DebuggerCommands
from .screen import MainScreen
from .tasks import TaskTree, operator_and_command
from .view import Changed, View

if TYPE_CHECKING:
    from ..debugger.inspect import Param
    from ..debugger.session import Scope, Session
    from .editor import Edit


class Commanding(App[None]):
    """The part of the debugger that carries out what the person wants."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings()]
    COMMANDS = {DebuggerCommands}  # noqa: RUF012

    view: View
    main: MainScreen
    session: Session | None = None
    _inbox: deque[SessionEvent]
    _edited: tuple[int, Edit] | None = None
    """An edit that the session has not told yet."""
    _shown_keys: tuple[object, ...] = ()

    def toast(self, text: str, severity: Literal["information", "warning", "error"] = "information") -> None:
        """Show something once; the text is data."""
        self.notify(
            self.view.mask(text), severity=severity, markup=False, timeout=8 if severity != "information" else 4
        )

    # What is possible

    def refusal(self, action: Action) -> str | None:
        """Why an action cannot be done now, or None if it can."""
        task = self.main.selected
        if action.command:
            if self.session is None:
                return "the workflow is still loading"
            reason = self.session.not_possible(action.command)
            if reason:
                return reason
        match action.name:
            case "edit" | "add" | "run_to" | "rewind" | "breakpoint" | "filter_log" | "pin" if task is None:
                return "no task is selected"
            case "edit" | "add" if self.view.attempt.success is not None:
                return "the attempt has ended: rewind (w) to the task first"
            case "pin" if task and task.is_group:
                return f"{task.full_name} is a group: pin the tasks in it"
            case "run_to" if task and task.started_at is not None:
                return f"{task.full_name} has begun already: rewind (w) to it"
            case "rewind" if task and task.started_at is None:
                return f"{task.full_name} has not begun yet: run to it (t)"
            case "attach" if (stop := self.view.stop_task()) and operator_and_command(stop)[0] != "py>":
                return f"{stop.full_name} is no py> task: a debugger attaches to Python only"
            case "here" if self.view.stopped is None:
                return "the workflow is not stopped"
            case "next_failure" if next(self.view.failures(), None) is None:
                return "no task has failed"
            case "find_next(1)" | "find_next(-1)" if not self.main.find_pane.needle:
                return "nothing is looked for yet: / finds"
            case _:
                return None

    def _refresh_keys(self) -> None:
        shown = (self.session.state if self.session else "", self.main.selected, self.view.stopped)
        if shown != self._shown_keys:
            self._shown_keys = shown
            first, last = "pin" if self.view.asking() else "", "restart"
            wanted = [action for action in ACTIONS if action.bar or action.name == first]
            possible = [action for action in wanted if self.refusal(action) is None]
            possible.sort(key=lambda action: (action.name != first, action.name == last))
            self.main.query_one(KeyBar).keys = tuple((action.key, action.label, action.name) for action in possible)

    def on_main_screen_selected(self) -> None:
        self._refresh_keys()

    def _possible(self, name: str) -> bool:
        """Whether an action can be done now; if not, say why."""
        action = next(action for action in ACTIONS if action.name == name)
        reason = self.refusal(action)
        if reason:
            self.toast(f"can't {action.command or action.label}: {reason}", "warning")
        return reason is None

    def _do(self, name: str, command: Callable[[Session], Future[None]]) -> None:
        """Give the session a command, or say why that is not possible."""
        if self._possible(name) and self.session:
            self._answer(command(self.session))

    def _answer(self, future: Future[None]) -> None:
        future.add_done_callback(self._answered)

    def _answered(self, future: Future[None]) -> None:
        """In the session's thread."""
        from ..debugger.session import NotPossible

        error = future.exception()
        if error:
            severity: Any = "warning" if isinstance(error, NotPossible) else "error"
            self._inbox.append(Notice(str(error), severity))

    # Actions

    def action_resume(self) -> None:
        self._do("resume", lambda session: session.resume())

    def action_step_over(self) -> None:
        self._do("step_over", lambda session: session.step_over())

    def action_step_into(self) -> None:
        self._do("step_into", lambda session: session.step_into())

    def action_step_out(self) -> None:
        self._do("step_out", lambda session: session.step_out())

    def action_run_to(self) -> None:
        self._do("run_to", lambda session: session.run_to(self._selected_task().full_name))

    def action_pause(self) -> None:
        def pause(session: Session) -> Future[None]:
            self.view.pausing = True
            self.main.paint(Changed.STATUS)
            return session.pause()

        self._do("pause", pause)

    def action_stop(self) -> None:
        self._do("stop", lambda session: session.stop())

    def action_restart(self) -> None:
        self._do("restart", lambda session: session.restart())

    def action_retry(self) -> None:
        self._do("retry", lambda session: session.retry())

    def action_rewind(self) -> None:
        self._do("rewind", lambda session: session.rewind(self._selected_task().id))

    def action_attach(self) -> None:
        self._do("attach", lambda session: session.attach())

    def action_breakpoint(self) -> None:
        if self._possible("breakpoint"):
            self._toggle_breakpoint(self._selected_task())

    def action_break_on_failure(self) -> None:
        if self.session:
            breaks = self.session.breaks
            breaks.on_failure = not breaks.on_failure
            self.toast(
                "a failure stops" if breaks.on_failure else "failures do not stop: _retry and _error take effect"
            )

    async def action_edit(self) -> None:
        task = self.main.selected
        if self._possible("edit") and task:
            param = self.main.params.selected() if self.main.shows("params") else None
            own = param is not None and self.main.inspection(task).is_own(param.path)
            await self._open_editor(task, param, "task" if own else "onward")

    async def action_add(self) -> None:
        if self._possible("add"):
            await self._open_editor(self._selected_task(), None, "onward")

    async def _open_editor(self, task: Task, param: Param | None, scope: Scope) -> None:
        """Let the person set a param; the value of one that holds a secret is not shown."""
        from .editor import ParamEditor, as_text

        text = as_text(param.reading.text if param.reading else param.value) if param else ""
        editor = ParamEditor(
            task.full_name, param.path if param else None, text if self.view.mask(text) == text else "", scope
        )
        await self.push_screen(editor, lambda edit: self._edit(task, edit))

    def _edit(self, task: Task, edit: Edit | None) -> None:
        if edit:
            self._edited = (task.id, edit)
            self._do("edit", lambda session: session.set_param(task.id, edit.path, edit.value, edit.scope))

    def _check_edit(self, task_id: int, edit: Edit) -> None:
        """Show the param that was edited, and say so if something else beats the edit."""
        from ..debugger.inspect import beaten_by

        self._edited = None
        task = self.view.tasks.get(task_id)
        if task is None or task is not self.main.selected:
            return
        self.main.show_pane("params", focus=self.main.one_at_a_time)
        self.main.params.select(edit.path)
        winner = beaten_by(self.main.inspection(task), edit.path, edit.value)
        if winner:
            self.toast(f"{'.'.join(edit.path)} keeps its value here, your edit is beaten by: {winner}", "warning")

    async def action_skip(self) -> None:
        stop = self.view.stop_task()
        if not self._possible("skip") or stop is None:
            return
        from .editor import SkipDialog

        def skip(store: dict[str, Any] | None) -> None:
            if store is not None:
                self._do("skip", lambda session: session.skip(store))

        await self.push_screen(SkipDialog(stop.full_name), skip)

    async def action_pin(self) -> None:
        task, session = self.main.selected, self.session
        if not self._possible("pin") or task is None or session is None:
            return
        from ..debugger.pins import draft
        from .editor import PinDialog, Pinning

        text = self.view.mask(draft(task, session.pinned(task.full_name)))

        def pin(given: Pinning | None) -> None:
            if given:
                self._do("pin", lambda session: session.pin(task.id, given.pin, save=given.save))

        await self.push_screen(PinDialog(task.full_name, text), pin)

    def action_here(self) -> None:
        stop = self.view.stop_task()
        if self._possible("here") and stop:
            self.main.select(stop)

    def action_next_failure(self) -> None:
        if not self._possible("next_failure"):
            return
        failures = sorted(self.view.failures(), key=lambda task: task.id)
        here = self.main.selected.id if self.main.selected else 0
        self.main.select(next((task for task in failures if task.id > here), failures[0]))
        self.main.show_pane("error", focus=self.main.one_at_a_time)

    def action_find(self) -> None:
        self.main.find()

    def action_find_next(self, step: int) -> None:
        if self._possible(f"find_next({step})"):
            self.main.find_next(step)

    def action_filter_log(self) -> None:
        if self._possible("filter_log"):
            task = self._selected_task()
            self.main.filter_log(None if self.main.log_pane.only is task else task)

    def action_copy(self) -> None:
        text = self.main.copied()
        self.copy_to_clipboard(text)
        self.toast(f"copied: {text[:60]}")

    def action_zoom(self) -> None:
        self.main.zoom()

    def action_pane(self, name: str) -> None:
        self.main.show_pane(name)

    async def action_help(self) -> None:
        from .dialogs import Help

        await self.push_screen(Help())

    async def action_quit(self) -> None:
        running = len(self.view.running)
        if self.session and self.session.state == "running" and running:
            from .dialogs import quit_question

            await self.push_screen(quit_question(running), lambda answer: self.exit() if answer == "quit" else None)
        else:
            self.exit()

    def on_task_tree_breakpoint_clicked(self, event: TaskTree.BreakpointClicked) -> None:
        self._toggle_breakpoint(event.task)

    def _toggle_breakpoint(self, task: Task) -> None:
        if self.session and task.parent:
            self.session.toggle_breakpoint(task.full_name)
            self.main.tasks.refresh()
        else:
            self.toast("the workflow itself has no breakpoint: set it on a task", "warning")

    def _wait_for_editor(self, waiting: DebuggerWaiting) -> None:
        from .dialogs import Attach

        task = self.view.tasks[waiting.task]

        def answer(choice: str | None) -> None:
            if choice == "cancel" and self.session and task.state not in DONE:
                self._answer(self.session.rewind(task.id))

        self.push_screen(Attach(task, waiting.host, waiting.port, self.view.project), answer)

    def _end_waiting(self) -> None:
        """Close the page about a task that waited for an editor and goes on now, or has ended."""
        from .dialogs import Attach

        if isinstance(self.screen, Attach) and self.screen.waiting.id not in self.view.running:
            self.screen.dismiss("hide")

    def _selected_task(self) -> Task:
        """The selected task; `refusal` has made sure that there is one."""
        assert self.main.selected
        return self.main.selected
