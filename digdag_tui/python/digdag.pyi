"""What `import digdag` gives to the Python of a `py>` task. It is there while Digdag runs the task, and nowhere else.

In tests, the fixture `digdag_env` of digdag-tui takes the place of the workflow.
"""

from collections.abc import Callable
from typing import Any

class _Env:
    """What the workflow gives to a task and what it takes back.

    What is given back counts when the task has succeeded; of a task that fails nothing is kept. All of it must be
    something that JSON can hold.
    """

    params: dict[str, Any]
    """All params that the task sees, with `${...}` evaluated: its own keys, what is exported around it, what tasks
    before it stored, and Digdag's own such as `session_time`. What is changed here, no other task sees."""

    subtask_config: dict[str, Any]
    """The tasks that will run below this one, by name (`+subtask0`, …), in order. Keys for all of them go beside them:
    `digdag.env.subtask_config["_parallel"] = True` runs them side by side."""

    export_params: dict[str, Any]
    """What was exported so far in this task; use `export` to add to it."""

    store_params: dict[str, Any]
    """What was stored so far in this task; use `store` to add to it."""

    state_params: dict[str, Any]
    """What `set_state` was given; Digdag drops it."""

    subtask_index: int
    """The number that the next subtask's name ends with."""

    def set_state(self, params: dict[str, Any] = ..., **kwds: Any) -> None:
        """Is accepted, and has no effect: Digdag drops the state of a Python task."""

    def export(self, params: dict[str, Any] = ..., **kwds: Any) -> None:
        """Set params for the subtasks of this task, as its `_export` does.

        Tasks after this one do not see them: that is `store`. A name given again replaces its value.
        """

    def store(self, params: dict[str, Any] = ..., **kwds: Any) -> None:
        """Set params for all tasks after this one.

        They see it as `${name}`, and a `py>` task gets it for an argument of that name. It wins over `-p` and what is
        exported around both tasks; a later task's own keys and `_export` win over it. This task does not find it in
        `params`. A map is merged into one of the same name that is there.
        """

    def add_subtask(
        self,
        function: Callable[..., Any] | dict[str, Any] | None = None,
        **params: Any,
    ) -> None:
        """Add a task that runs below this one when this one has succeeded, one after another unless `_parallel` is set.

        Args:
            function: a function or a method of a module that Digdag can import (no lambda, nothing defined in another
                function), called as `py>: module.function`; or a map of the keys of any task, such as
                `{"sh>": "echo hello"}`.
            params: the subtask's own keys: the arguments of the function.

        Raises:
            TypeError: JSON cannot hold an argument.
        """

env: _Env
"""The workflow around the task that runs."""
