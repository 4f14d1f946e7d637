"""One `py>` task under the debugger: what its process is asked over the Debug Adapter Protocol, and what it tells."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace

from ..workflow.config import Params
from ..workflow.errors import DigdagError, TaskRuntimeError
from .breakpoints import Breakpoints
from .dap_client import Body, DapClient, DapError
from .python_stops import (
    LONGEST,
    LONGEST_RESULT,
    MOST_FRAMES,
    Completion,
    Frame,
    PythonAttached,
    PythonBreakpoints,
    PythonContinued,
    PythonDetached,
    PythonEvent,
    PythonReason,
    PythonStopped,
    Raised,
    Scope,
    Variable,
    Variables,
)
from .sent_breakpoints import SentBreakpoints

_GRACE: Final = 5.0
"""Seconds that a process may take to end after its connection has."""

_REASONS: Final[Mapping[str, PythonReason]] = {
    "step": "step",
    "pause": "pause",
    "exception": "exception",
    "goto": "goto",
    "entry": "entry",
}
_READ_ONLY: Final = "the function has been left by the exception: its values can only be read"


class PythonTask:
    """The engine's `PythonClient` of one call of a task.

    Args:
        module: the first part of the command's name, which counts as the user's own code wherever it is installed.
        into: whether it stops at the function's first line.
        tell: called with what happens.
        log: prints what a logpoint says.
        notice: says a sentence that the person should read.
    """

    def __init__(
        self,
        task: int,
        module: str,
        project: Path,
        breakpoints: Breakpoints,
        *,
        into: bool,
        mask: Callable[[str], str],
        tell: Callable[[PythonEvent], None],
        log: Callable[[str], None],
        notice: Callable[[str], None],
    ) -> None:
        self.into = into
        self.stop: PythonStopped | None = None
        self._task = task
        self._module = module
        self._project = Path(os.path.realpath(project))
        self._sent = SentBreakpoints(self._project, breakpoints, self._request)
        self._mask = mask
        self._tell = tell
        self._log = log
        self._notice = notice
        self._client: DapClient | None = None
        self._initialized = asyncio.Event()
        self._over = False
        """Whether the process needs us no more."""
        self._globals: set[int] = set()
        """References of scopes whose variables an assignment in a function would not reach by their names."""
        self._stops = 0
        self._raised_in: set[int] = set()
        """The threads that have stopped at what they raised: the runner raises it again."""
        self._going = asyncio.Lock()
        self._works: set[asyncio.Task[None]] = set()

    # As the engine's operator wants it

    async def attach(self, announced: Params) -> None:
        try:
            await self._attach(announced)
        except (DapError, TimeoutError) as error:
            raise TaskRuntimeError(f"The debugger cannot reach the task's process: {error or 'no answer'}") from None

    async def _attach(self, announced: Params) -> None:
        host, port = str(announced["host"]), int(announced["port"])
        client = self._client = await DapClient.connect(host, port, self._happened)
        positions = {"pathFormat": "path", "linesStartAt1": True, "columnsStartAt1": True}
        await client.request("initialize", adapterID="debugpy", clientID="digdag-tui", **positions)
        hidden = [{"path": path, "include": False} for path in announced.get("hidden", []) if path[:1] != "<"]
        attached = client.send(
            "attach",
            justMyCode=True,
            rules=[*hidden, {"module": self._module, "include": True}],
            variablePresentation={"all": "hide", "protected": "inline"},
            pathMappings=announced.get("path_mappings", []),
            showReturnValue=True,
        )
        async with asyncio.timeout(30):
            await self._initialized.wait()
        await self._send_breakpoints()
        await client.request("setExceptionBreakpoints", filters=["uncaught"])
        await client.request("configurationDone")
        await attached
        self._tell(PythonAttached(self._task))

    async def reach(self, function: Params) -> None:
        if not function:
            self._notice("what this task calls is no Python function: it runs through")
            return
        self._sent.goal = (function["file"], function["line"]), "entry"
        await self._quietly(self._send_breakpoints())

    async def ended(self) -> None:
        client = self._client
        if client is None:
            return
        await client.closed.wait()
        if not self._over:
            await asyncio.sleep(_GRACE)
            raise TaskRuntimeError(f"The debugger lost the task's process: {client.reason}")
        await asyncio.Event().wait()

    async def detach(self) -> None:
        self._over = True
        for work in self._works:
            work.cancel()
        client, self._client = self._client, None
        if client:
            await client.close()
            self._go_on()
            self._tell(PythonDetached(self._task))

    # What the person commands

    async def step(self, command: str) -> None:
        """Go on as `next`, `stepIn`, `stepOut` or `continue` says.

        After an exception that nothing catches no line of the function is left: any of them lets the task fail. Of two
        commands at once, the second comes too late.
        """
        async with self._going:
            stop = self._stopped()
            await self._send_breakpoints()
            await self._request("continue" if stop.raised else command, threadId=stop.thread)
            self._go_on()

    async def run_to(self, file: str, line: int) -> None:
        """Go on to a line, or to the next stop before."""
        self._stopped()
        self._sent.goal = (os.path.realpath(self._project / file), line), "goto"
        await self.step("continue")

    async def pause(self) -> None:
        """Stop at whatever line comes next."""
        threads = (await self._request("threads")).get("threads", [])
        for thread in sorted(threads, key=lambda each: str(each.get("name")) != "MainThread")[:1]:
            await self._request("pause", threadId=thread["id"])

    async def scopes(self, frame: int) -> tuple[Scope, ...]:
        """The groups of a frame's variables."""
        found = (await self._request("scopes", frameId=frame)).get("scopes", [])
        scopes = tuple(Scope(str(each["name"]), int(each["variablesReference"])) for each in found)
        self._globals.update(scope.reference for scope in scopes if scope.name == "Globals")
        return scopes

    async def variables(self, reference: int) -> Variables:
        """What is in a scope or in a variable: one page."""
        found = (await self._request("variables", variablesReference=reference)).get("variables", [])
        following = [each for each in found if _is_page(each)]
        items = tuple(self._variable(each) for each in found if not _is_page(each))
        if reference in self._globals:
            items = tuple(replace(each, evaluate_name=f"globals()[{each.name!r}]") for each in items)
        return Variables(items, int(following[0]["variablesReference"]) if following else 0)

    async def set_expression(self, expression: str, value: str, frame: int) -> Variable:
        """Assign the value of a Python expression to a variable, an attribute or an item, by a statement.

        debugpy's own requests for it take a value that fails for a success, and make a global variable a local one.
        """
        if self._stopped().reason == "exception":
            raise DigdagError(_READ_ONLY)
        await self.evaluate(f"{expression} = {value}", frame, "repl")
        return await self.evaluate(expression, frame, "watch")

    async def evaluate(self, expression: str, frame: int, context: str) -> Variable:
        """The value of an expression in a frame; `repl` carries out statements, too."""
        try:
            body = await self._request("evaluate", None, expression=expression, frameId=frame, context=context)
        except DigdagError as error:
            raise DigdagError(_last_line(error.message)) from None
        return self._variable({**body, "name": expression, "value": body.get("result", "")}, LONGEST_RESULT)

    async def completions(self, text: str, column: int, frame: int) -> tuple[Completion, ...]:
        """What may follow in `text` at `column`, from 0."""
        body = await self._request("completions", text=text, column=column + 1, frameId=frame)
        return tuple(
            Completion(each["label"], each.get("type", ""), each.get("start", column), each.get("length", 0))
            for each in body.get("targets", [])
        )

    async def source(self, frame: Frame) -> str:
        """The text that a frame's code came from: of its file, or what its process knows.

        Raises:
            DigdagError: there is none.
        """
        try:
            return self._mask(await asyncio.to_thread(Path(frame.file).read_text, "utf-8", "replace"))
        except OSError:
            if not frame.source_reference:
                raise DigdagError(f"{frame.file or frame.name} has no source text") from None
        reference = {"sourceReference": frame.source_reference}
        body = await self._request("source", source=reference, **reference)
        return self._mask(str(body.get("content", "")))

    async def let_go(self) -> None:
        """Run on without the debugger."""
        self._over = True
        await self._request("disconnect", terminateDebuggee=False)
        await self.detach()

    def breakpoints_changed(self) -> None:
        """Give the process what breakpoints there are now."""
        if self._initialized.is_set() and not self._over:
            self._do(self._send_breakpoints())

    async def _send_breakpoints(self) -> None:
        states = await self._sent.send()
        if states:
            self._tell(PythonBreakpoints(self._task, states))

    # What the process tells

    def _happened(self, event: str, body: Body) -> None:
        match event:
            case "initialized":
                self._initialized.set()
            case "stopped":
                self._stops += 1
                self._do(self._stopped_at(body, self._stops))
            case "continued":
                self._go_on()
            case "output" if str(body.get("category")) in ("console", "stdout", "important"):
                self._log(self._mask(str(body.get("output", "")).rstrip("\n")))
            case "breakpoint":
                state = self._sent.state(body.get("breakpoint", {}))
                if state:
                    self._tell(PythonBreakpoints(self._task, state))
            case "terminated":
                self._over = True
            case _:
                pass

    async def _stopped_at(self, body: Body, number: int) -> None:
        """Look where it stopped, and tell; where there is nothing of the user's, go on."""
        thread = int(body.get("threadId", 1))
        found = await self._request("stackTrace", threadId=thread, startFrame=0, levels=MOST_FRAMES)
        frames = tuple(self._frame(each) for each in found.get("stackFrames", []))
        raised = await self._raised(thread) if body.get("reason") == "exception" else None
        if number != self._stops:
            return
        goal, self._sent.goal = self._sent.goal, None
        if not frames or (raised and thread in self._raised_in):
            await self._request("continue", threadId=thread)
            return
        if raised:
            self._raised_in.add(thread)
        reason = _REASONS.get(str(body.get("reason")), "breakpoint")
        place = os.path.realpath(frames[0].file), frames[0].line
        hits = tuple(self._sent.named(body.get("hitBreakpointIds", [])))
        if goal and place == goal[0] and reason == "breakpoint":
            reason = goal[1]
        elif reason == "breakpoint" and not hits:
            hits = tuple(self._sent.at(place))
        described = self._mask(str(body.get("description") or ""))
        self.stop = PythonStopped(self._task, reason, frames, thread, described, raised, hits)
        self._tell(self.stop)
        if goal:
            await self._send_breakpoints()

    async def _raised(self, thread: int) -> Raised:
        said = await self._request("exceptionInfo", threadId=thread)
        details = (said.get("details") or {}).get("stackTrace") or ""
        text = [str(said.get("exceptionId", "")), str(said.get("description") or ""), str(details)]
        return Raised(*(self._mask(each) for each in text))

    def _frame(self, said: Body) -> Frame:
        source = said.get("source") or {}
        path = str(source.get("path") or "")
        own = said.get("presentationHint") != "subtle" and source.get("presentationHint") != "deemphasize"
        reference = int(source.get("sourceReference") or 0)
        return Frame(said["id"], str(said["name"]), "" if path[:1] == "<" else path, said["line"], own, reference)

    def _variable(self, said: Body, longest: int = LONGEST) -> Variable:
        if said.get("name") == "Unable to handle:":
            return Variable("…", "there are more items: evaluate an expression to see them", read_only=True)
        value = self._mask(str(said.get("value", "")))
        attributes = (said.get("presentationHint") or {}).get("attributes") or []
        return Variable(
            self._mask(str(said.get("name", ""))),
            value if len(value) <= longest else value[: longest - 1] + "…",
            str(said.get("type") or ""),
            int(said.get("variablesReference") or 0),
            str(said.get("evaluateName") or ""),
            "readOnly" in attributes,
        )

    # Helpers

    def _stopped(self) -> PythonStopped:
        if self.stop is None:
            raise DigdagError("the task is not stopped inside its Python code")
        return self.stop

    def _go_on(self) -> None:
        if self.stop:
            self.stop = None
            self._globals.clear()
            self._tell(PythonContinued(self._task))

    async def _request(self, command: str, timeout: float | None = 30, /, **arguments: Any) -> Body:
        """As `DapClient.request`.

        Raises:
            DigdagError: it failed.
        """
        if self._client is None:
            raise DigdagError("the task is not under the debugger any more")
        try:
            return await self._client.request(command, timeout, **arguments)
        except DapError as error:
            raise DigdagError(self._mask(str(error))) from None

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        """Carry out what an event leads to."""
        task = asyncio.create_task(self._quietly(work))
        self._works.add(task)
        task.add_done_callback(self._works.discard)

    async def _quietly(self, work: Coroutine[Any, Any, None]) -> None:
        """Carry out what fails only because the process is ending; anything else is said."""
        try:
            await work
        except Exception as error:
            if not (self._over or self._client is None or self._client.closed.is_set()):
                said = error.message if isinstance(error, DigdagError) else f"{type(error).__name__}: {error}"
                self._notice(f"the debugger of the task failed: {said}")


def _is_page(said: Body) -> bool:
    """Whether a variable stands for the items that follow."""
    return said.get("name") == "more" and str(said.get("type", "")).startswith("MoreItems")


def _last_line(message: str) -> str:
    """What an exception in an evaluated expression says, without the traceback."""
    return message.strip().rpartition("\n")[2]
