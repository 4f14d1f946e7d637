"""Which Python runs `py>` tasks: the one in PATH, or a virtual environment that the person agrees to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..engine.attempt import Task
from .keeping import Keeping
from .text import clean

if TYPE_CHECKING:
    from ..debugger.environment import LocalEnvironment
    from ..debugger.session import Session


class InterpreterActions(Keeping):
    """The choice, which is kept for the project."""

    environment: LocalEnvironment | None = None
    """What tasks run with, once it is loaded."""

    def tell_interpreter(self, session: Session) -> None:
        """Say which virtual environment is used, or could be."""
        if session.loaded is None or not any("py>" in task.config for task in session.loaded.tasks):
            return
        from ..operators.interpreters import environment_of, notice, offered, shown

        project = self.view.project
        if found := offered(project):
            name = shown(str(found), project)
            self.toast(f"py> tasks do not use {name}: the command `python` (^p) lets them", "warning")
        elif said := notice(project, self.view.settings()):
            gone = environment_of(self.view.settings().get("digdag-tui.python", "")) is None
            self.toast(said, "warning" if gone else "information")

    def refuse_interpreter(self, task: Task | None) -> str | None:
        return "the workflow is still loading" if self.environment is None else None

    async def action_interpreter(self) -> None:
        if not self._possible("interpreter"):
            return
        from ..operators import interpreters, process
        from .dialogs import Choice

        project, now = self.view.project, self.view.settings().get(interpreters.PYTHON)
        found = [interpreters.program_of(folder) for folder in interpreters.environments(project)]
        found += [now] if now and now not in found else []
        answers = {
            str(number): (program, f"{clean(interpreters.shown(program, project))}{' (now)' * (program == now)}")
            for number, program in enumerate(found[:9], 1)
        }
        in_path = process.find("python") or process.find("python3") or "none is there"
        answers["p"] = ("", f"python of PATH, as Digdag: {clean(in_path)}{' (now)' * (not now)}")
        words = "Tasks with the option python: use that, and containers their own."
        if not found:
            words += " No virtual environment (.venv, venv, env) is found in the project."
        await self.push_screen(Choice("Python of py> tasks", words, answers), self._use_interpreter)

    def _use_interpreter(self, program: str | None) -> None:
        if program is None or self.environment is None:
            return
        from ..operators.interpreters import choose, shown

        self.environment.use_python(program or None)
        try:
            choose(self.view.project, program)
        except OSError as error:
            self.toast(f"the choice is not kept: {error.strerror}", "warning")
        name = shown(program, self.view.project) if program else "python of PATH"
        self.toast(f"py> tasks run in {name} from now on")
        self.main.look_inside()
