"""Actions of looking: finding, filtering, copying."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..engine.attempt import Task
from .commands import NO_TASK
from .following import Following
from .log import LEVELS

if TYPE_CHECKING:
    from ..params.flow import Reader


class LookActions(Following):
    """What the panes show."""

    def action_find(self) -> None:
        self.main.find()

    def action_find_next(self, step: int) -> None:
        if self._possible(f"find_next({step})"):
            self.main.find_next(step)

    def refuse_find_next(self, task: Task | None) -> str | None:
        return None if self.main.find_pane.needle else "nothing is looked for yet: / finds"

    def action_only_changed(self) -> None:
        params = self.main.params
        if not self.main.shows("params"):
            self.main.show_pane("params")
        if self._possible("only_changed"):
            params.show_only_changed(not params.only_changed)

    def refuse_only_changed(self, task: Task | None) -> str | None:
        params = self.main.params
        if params.only_changed or params.changes:
            return None
        if task is None or task is not self.view.stop_task():
            return "what changed is known of the task stopped at: g selects it"
        return "this is the first stop: step (n) or continue (c) to the next" if self.main.shows("params") else None

    def action_filter_params(self) -> None:
        if self._possible("filter_params"):
            self.main.show_pane("params")
            self.main.params.filter()

    def refuse_filter_params(self, task: Task | None) -> str | None:
        return NO_TASK if task is None else None

    def action_readers(self) -> None:
        param, session = self.main.param_at_cursor(), self.session
        if not self._possible("readers") or param is None or session is None or session.loaded is None:
            return
        from ..debugger.explain import readers
        from .readers import ReadersDialog

        def go(reader: Reader | None) -> None:
            if reader:
                self.follow_reader(reader.task, reader.position)

        found = readers(session.loaded, param.path)
        self.push_screen(ReadersDialog(".".join(param.path), found, self.view.mask), go)

    def refuse_readers(self, task: Task | None) -> str | None:
        if self.session is None or self.session.loaded is None:
            return "the workflow is still loading"
        if self.main.param_at_cursor() is None:
            return "no param is selected: put the cursor of Params (2) on one"
        return None

    def action_filter_log(self) -> None:
        if self._possible("filter_log"):
            task = self._selected_task()
            self.main.filter_log(None if self.main.log_pane.only is task else task)

    def refuse_filter_log(self, task: Task | None) -> str | None:
        return NO_TASK if task is None else None

    def action_log_level(self) -> None:
        """Show only what matters more in the log, or only what tasks printed, or all again."""
        levels = [*LEVELS]
        following = levels[(levels.index(self.main.log_pane.level) + 1) % len(levels)]
        self.main.show_log_level(following)

    def action_fold_finished(self) -> None:
        tasks = self.main.tasks
        tasks.fold_finished(not tasks.folds_finished)
        self.toast("groups fold as they end" if tasks.folds_finished else "finished groups stay open")

    def action_copy(self) -> None:
        self._copy(self.main.copied())

    def _copy(self, text: str) -> None:
        text = self.view.mask(text)
        self.copy_to_clipboard(text)
        lines = text.count("\n") + 1
        self.toast(f"copied: {text[:60]}" if lines == 1 else f"copied {lines:,} lines")

    async def action_copy_as(self) -> None:
        task = self.main.selected
        if not self._possible("copy_as") or task is None or self.session is None:
            return
        from .copying import copy_question, texts_of

        param = self.main.param_at_cursor() if self.main.active in ("params", "python") else None
        texts = texts_of(self.view, task, param, self.session.launch)
        question = copy_question({name: self.view.mask(text) for name, text in texts.items()})
        await self.push_screen(question, lambda name: self._copy(texts[name]) if name else None)

    def refuse_copy_as(self, task: Task | None) -> str | None:
        return NO_TASK if task is None else None

    def action_jump(self) -> None:
        from .jump import Jump, Target, visible_rows

        main = self.main
        panes = sorted(filter(main.shows, main.panes), key=lambda name: name != main.active)

        def go(target: Target | str | None) -> None:
            if isinstance(target, str):
                main.show_pane(target)
            elif target:
                main.show_pane(target.pane.id or main.active)
                target.pane.move_by_person(target.row)

        keys = {key: name for name, key in main.pane_keys.items() if key}
        self.push_screen(Jump(list(visible_rows([main.pane(name) for name in panes])), keys), go)

    def action_zoom(self) -> None:
        self.main.zoom()

    def action_pane(self, name: str) -> None:
        self.main.show_pane(name)
