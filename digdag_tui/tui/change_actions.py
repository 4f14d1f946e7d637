"""Actions that change what happens: edits, retries, skipped and pinned tasks."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from ..engine.attempt import Task
from .commands import NO_TASK, Commanding
from .text import clean
from .watch import WatchPane

if TYPE_CHECKING:
    from ..debugger.edits import MadeEdit
    from ..debugger.inspect import Param
    from .editor import Edit
    from .edits import Saved


class ChangeActions(Commanding):
    """Params and results, changed by the person; expressions, evaluated."""

    def __init__(self) -> None:
        super().__init__()
        self._typed: list[str] = []
        """What was evaluated, the oldest first."""

    _edited: tuple[int, Edit] | None = None
    """An edit that the session has not told yet."""

    async def action_edit(self) -> None:
        task = self.main.selected
        if self._possible("edit") and task:
            seen = self.main.shows("params") or self.main.shows("python")
            param = self.main.param_at_cursor() if seen else None
            name = self.main.python.lacking() if param is None and self.main.shows("python") else ""
            await self._open_editor(task, param, name)

    def refuse_edit(self, task: Task | None) -> str | None:
        if task is None:
            return NO_TASK
        ended = self.view.attempt.success is not None
        return "the attempt has ended: rewind (w) to the task first" if ended else None

    async def action_add(self) -> None:
        if self._possible("add"):
            await self._open_editor(self._selected_task(), None)

    refuse_add = refuse_edit

    async def _open_editor(self, task: Task, param: Param | None, name: str = "") -> None:
        from .editor import ParamEditor
        from .evaluating import outcome, scope_of

        subject = self.main.subject(task)
        scope = scope_of(subject)
        evaluated = partial(outcome, scope=scope, mask=self.view.mask)
        editor = ParamEditor(task, subject.inspection(), param, self.view.mask, evaluated, name)
        await self.push_screen(editor, lambda edit: self._edit(task, [edit] if edit else []))

    async def action_edit_all(self) -> None:
        if not self._possible("edit_all"):
            return
        from ..debugger.editing import Document
        from .all_params import TaskEditor

        task = self._selected_task()
        built_ins = {param.name for param in self.main.inspection(task).built_in}
        editor = TaskEditor(task, Document(self.view.attempt, task, self.view.mask), built_ins)
        await self.push_screen(editor, lambda edits: self._edit(task, edits or []))

    refuse_edit_all = refuse_edit

    def _edit(self, task: Task, edits: list[Edit]) -> None:
        if edits:
            self._edited = (task.id, edits[-1])
            self._do("edit", lambda session: session.set_params(task.id, edits))

    async def action_undo(self) -> None:
        last = self.view.edits.last()
        if not self._possible("undo") or last is None:
            return
        if last.had_effect:
            await self._offer_rewind(last)
        else:
            self._undo(last)

    def refuse_undo(self, task: Task | None) -> str | None:
        return None if self.view.edits.last() else "no param was edited: e edits the one at the cursor"

    def _undo(self, edit: MadeEdit) -> None:
        """Take an edit back, or make it again, and say what that came to."""
        task = self.view.tasks.get(edit.event.task)
        if edit.number is not None and edit.had_effect and not edit.undone:
            self.call_later(self._offer_rewind, edit)
            return
        self._do("undo", lambda session: session.undo(edit))
        self.toast(f"{edit.name} at {edit.task}: {'made again' if edit.undone else 'taken back'}")
        if task is self.main.selected:
            self.main.params.select(edit.event.path)

    async def _offer_rewind(self, edit: MadeEdit) -> None:
        from .dialogs import Choice

        def answer(choice: str | None) -> None:
            if choice == "rewind" and self.session:
                self._answer(self.session.rewind(edit.event.task, edit))

        question = f"{clean(edit.task)} has begun with {clean(edit.name)} as you set it."
        answers = {"w": ("rewind", "rewind to that task without this edit"), "k": ("keep", "keep it")}
        await self.push_screen(Choice("Undo", question, answers), answer)

    async def action_edits(self) -> None:
        from .edits import EditsDialog

        def all_edits() -> list[MadeEdit]:
            waiting = self.session.waiting_edits() if self.session else []
            return [*reversed([*self.view.edits.made, *waiting])]

        def go(edit: MadeEdit | None) -> None:
            task = self.view.tasks.get(edit.event.task) if edit and edit.number is not None else None
            task = task or (self.view.attempt.named(edit.task) if edit else None)
            if edit and task:
                self.main.select(task)
                self.main.show_pane("params")
                self.main.params.select(edit.event.path)

        dialog = EditsDialog(all_edits, self.view.mask, self._undo, self._ask_where_to_save)
        await self.push_screen(dialog, go)

    def _ask_where_to_save(self) -> None:
        from .edits import SaveDialog

        def told(text: str | None) -> None:
            if text:
                self.toast(text)

        waiting = self.session.waiting_edits() if self.session else []
        edits = [*self.view.edits.in_force, *waiting]
        self.push_screen(SaveDialog(self.view.project, [self._as_saved(edit) for edit in edits]), told)

    def _as_saved(self, edit: MadeEdit) -> Saved:
        """An edit as it goes into a params file, with what is to be said about that."""
        from ..debugger.inspect import inspect
        from ..debugger.params_file import loses_to
        from ..workflow.text import json_text
        from .edits import Saved
        from .evaluating import evaluator

        text = json_text(edit.event.value)
        if self.view.mask(text) != text:
            return Saved(edit, "holds a secret: left out", left_out=True)
        task = self.view.attempt.named(edit.task)
        if task is None:
            return Saved(edit)
        if not task.is_group and edit.event.path[0] in task.config:
            return Saved(edit, f"is {edit.task}'s own key: left out, change it in the file", left_out=True)
        winner = loses_to(inspect(self.view.attempt, task, evaluator()), edit.event.path)
        return Saved(edit, f"loses to: {winner}" if winner else "")

    async def action_evaluate(self) -> None:
        if not self._possible("evaluate"):
            return
        from .evaluate import EvaluatePrompt
        from .evaluating import scope_of

        task = self._selected_task()
        prompt = EvaluatePrompt(task.full_name, scope_of(self.main.subject(task)), self.view.mask, self._typed)
        await self.push_screen(prompt, lambda text: self._watch_expression(None, text))

    async def action_watch_expression(self) -> None:
        if not self._possible("watch_expression"):
            return
        from ..debugger.evaluate import as_expression

        param = self.main.param_at_cursor() if self.main.active in ("params", "python") else None
        await self._ask_for_watch(None, as_expression(param.path) if param else "")

    def refuse_evaluate(self, task: Task | None) -> str | None:
        return NO_TASK if task is None else None

    refuse_watch_expression = refuse_evaluate

    async def on_watch_pane_edited(self, event: WatchPane.Edited) -> None:
        if self._possible("watch_expression"):
            await self._ask_for_watch(event.number, self.main.watch_pane.chosen() or "")

    async def _ask_for_watch(self, number: int | None, text: str) -> None:
        from .evaluate import WatchDialog
        from .evaluating import scope_of

        task = self._selected_task()
        dialog = WatchDialog(task.full_name, scope_of(self.main.subject(task)), self.view.mask, text)
        await self.push_screen(dialog, lambda typed: self._watch_expression(number, typed))

    def _watch_expression(self, number: int | None, text: str | None) -> None:
        if text is None:
            return
        self.main.show_pane("watch", focus=number is not None or self.main.one_at_a_time)
        problem = self.main.watch_pane.change(number, text)
        if problem:
            self.toast(f"the expression is watched until you leave: {problem}", "warning")

    def _check_edit(self, task_id: int, edit: Edit) -> None:
        """Show the param that was edited, and say so if something else beats the edit."""
        from ..debugger.inspect import beaten_by

        self._edited = None
        task = self.view.tasks.get(task_id)
        if task is None or task is not self.main.selected:
            return
        if not self.main.shows("python"):
            self.main.show_pane("params", focus=self.main.one_at_a_time)
        self.main.params.select(edit.path)
        winner = beaten_by(self.main.inspection(task), edit.path, edit.value)
        if winner:
            self.toast(f"{'.'.join(edit.path)} keeps its value here, your edit is beaten by: {winner}", "warning")

    def action_retry(self) -> None:
        self._do("retry", lambda session: session.retry())

    async def action_skip(self) -> None:
        stop = self.view.stop_task()
        if not self._possible("skip") or stop is None:
            return
        from .results import SkipDialog

        def skip(store: dict[str, Any] | None) -> None:
            if store is not None:
                self._do("skip", lambda session: session.skip(store))

        await self.push_screen(SkipDialog(stop.full_name), skip)

    async def action_pin(self) -> None:
        task, session = self.main.selected, self.session
        if not self._possible("pin") or task is None or session is None:
            return
        from ..debugger.pins import draft
        from .results import PinDialog, Pinning

        text = self.view.mask(draft(task, session.pinned(task.full_name)))

        def pin(given: Pinning | None) -> None:
            if given:
                self._do("pin", lambda session: session.pin(task.id, given.pin, save=given.save))

        await self.push_screen(PinDialog(task.full_name, text), pin)

    def refuse_pin(self, task: Task | None) -> str | None:
        if task is None:
            return NO_TASK
        return f"{task.full_name} is a group: pin the tasks in it" if task.is_group else None
