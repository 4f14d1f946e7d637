"""Random commands and random file edits against the real debugger in a terminal; says what went wrong, if anything.

    python -m benchmarks.soak [--minutes N] [--seed N]

An exception anywhere, a key that is never answered, memory, threads or files that grow, and processes left behind are
errors; the exit code is then 1. The same seed gives the same keys and edits.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual.keys import format_key

from digdag_tui.tui.actions import ACTIONS, PANES

from .soak_inside import TROUBLE
from .soaked import EDITS, FILES
from .terminal import Terminal

SETTLES = 30.0
"""Seconds between two looks at what is held when nothing runs."""
ANSWER = 20.0
"""Seconds in which a key must be answered."""
NAMED = (
    "up", "down", "left", "right", "home", "end", "pageup", "pagedown", "shift+up", "shift+down", "enter", "tab",
    "shift+tab", "space", "delete", "ctrl+p", "ctrl+c",
)  # fmt: skip
"""Keys of panes, dialogs and inputs."""
TYPED = ("x", "+a", "1 + 1", "${n}", '"', "日本", "{", "load", "region == 'w'", "[1, 2", "~", "back", "+load*")
SEARCHES = [action.label for action in ACTIONS if action.name != "quit"] + [pane.title for pane in PANES]
"""What the palette is asked for: each action that there is."""
SIZES = ((80, 24), (120, 40), (200, 50), (100, 30), (50, 12))
MOUSE = {"left": 0, "right": 2, "shift": 4, "ctrl": 16, "over": 35, "up": 64, "down": 65}
"""What a terminal says of the mouse (SGR)."""
SAVES = ("in place", "in place", "renamed", "renamed", "burst", "deleted", "moved", "half")
"""How files are saved, and lost."""


def _sequences() -> dict[str, str]:
    """What a terminal sends for each key of the present program."""
    sequences = reversed(list(ANSI_SEQUENCES_KEYS.items()))
    known = {keys[0].value: sent for sent, keys in sequences if isinstance(keys, tuple)}
    known |= {"shift+f5": "\x1b[15;2~", "shift+f11": "\x1b[23;2~", "ctrl+f5": "\x1b[15;5~"}
    own = [key for action in ACTIONS for key in action.keys.split(",") if key] + [pane.key for pane in PANES]
    return {key: known.get(key) or format_key(key) for key in [*own, *NAMED]}


KEYS = _sequences()


@dataclass
class Held:
    """What the program holds: resident MiB, threads, open files."""

    memory: float
    threads: int
    files: int


@dataclass
class Report:
    """What happened."""

    seed: int
    keys: int = 0
    edits: int = 0
    starts: int = 0
    slowest: float = 0.0
    held: list[Held] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    recent: deque[str] = field(default_factory=lambda: deque(maxlen=60))

    def text(self) -> str:
        lines = [f"seed {self.seed}: {self.keys:,} keys, {self.edits:,} edits, {self.starts} starts"]
        lines += [f"slowest answer {self.slowest:.2f} s"]
        lines += [f"held: {one.memory:.0f} MiB, {one.threads} threads, {one.files} files" for one in self.held]
        for error in self.errors:
            lines += ["", "ERROR: " + error]
        if self.errors:
            lines += ["", "the last of what was done: " + ", ".join(self.recent)]
        return "\n".join([*lines, "", "failed" if self.errors else "nothing went wrong"])


def main() -> None:
    """Soak, print the report, exit."""
    parser = argparse.ArgumentParser(description="Random commands and edits against the debugger.")
    parser.add_argument("--minutes", type=float, default=30.0, help="how long (30)")
    parser.add_argument("--seed", type=int, default=None, help="what to repeat")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**6)
    with tempfile.TemporaryDirectory() as folder:
        report = Soak(Path(folder), seed).run(60 * options.minutes)
    print(report.text())
    sys.exit(1 if report.errors else 0)


class Soak:
    """One soak in a folder of its own."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.report = Report(seed)
        self._random = random.Random(seed)
        self._project = folder / "project"
        self._home = folder / "home"
        self._trouble = folder / "exceptions.txt"
        self._home.mkdir(parents=True)
        self._project.mkdir()
        for name, text in FILES.items():
            (self._project / name).write_text(text)
        self._terminal: Terminal | None = None

    def run(self, seconds: float) -> Report:
        end = time.monotonic() + seconds
        settle = time.monotonic() + min(SETTLES, seconds / 4)
        try:
            while time.monotonic() < end and not self.report.errors:
                if self._terminal is None:
                    self._start()
                elif not self._step():
                    self._left()
                elif time.monotonic() > settle:
                    settle = time.monotonic() + min(SETTLES, seconds / 4)
                    self._settle()
                    if self.report.starts == 1 and len(self.report.held) == 2:
                        self._leave()
            if self._terminal and not self.report.errors:
                self._settle()
                self._leave()
            self._compare()
        finally:
            if self._terminal:
                self._terminal.__exit__(None, None, None)
        self._look_for_trouble()
        self._look_for_processes()
        return self.report

    # What is done

    def _start(self) -> None:
        self.report.starts += 1
        self.report.held = []
        (self._project / "main.dig").write_text(FILES["main.dig"])
        command = [sys.executable, "-m", "benchmarks.soak_inside", "main.dig", "--session", "2026-01-31"]
        self._terminal = Terminal(command, self._project, {
            TROUBLE: str(self._trouble), "HOME": str(self._home), "XDG_CONFIG_HOME": str(self._home / ".config"),
            "VISUAL": "true", "EDITOR": "true",
            "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH", "")]),
        })  # fmt: skip
        self._terminal.wait_for("Tasks")

    def _step(self) -> bool:
        """Do one thing; False if the program has ended."""
        done: list[tuple[int, Callable[[], None]]] = [
            (50, self._action), (25, self._key), (6, self._type), (6, self._mouse), (2, self._drag), (2, self._resize),
            (3, self._edit), (2, self._search), (10, self._wait),
        ]  # fmt: skip
        (chosen,) = self._random.choices([action for _, action in done], [weight for weight, _ in done])
        try:
            chosen()
            self.terminal.look(self._random.choice((0, 0, 0.02, 0.1)))
            if self.report.keys % 50 == 0:
                self._answered()
        except OSError:
            return False
        return True

    @property
    def terminal(self) -> Terminal:
        assert self._terminal
        return self._terminal

    def _action(self) -> None:
        action = self._random.choice([action for action in ACTIONS if action.keys and action.name != "quit"])
        self._press(self._random.choice(action.keys.split(",")))

    def _key(self) -> None:
        self._press(self._random.choice([*NAMED, *(pane.key for pane in PANES)]))

    def _search(self) -> None:
        """Find a command in the palette, and run it."""
        for key in ("ctrl+p", *self._random.choice(SEARCHES)):
            self._press(key)
        self.terminal.look(self._random.choice((0, 0.3)))
        self._press("enter")

    def _type(self) -> None:
        for letter in self._random.choice(TYPED):
            self._press(letter)

    def _press(self, key: str) -> None:
        self.report.keys += 1
        self.report.recent.append(key)
        self.terminal.send(KEYS.get(key, key))

    def _mouse(self) -> None:
        """Point, click, click twice, or turn the wheel, anywhere."""
        how, times = self._random.choice([*MOUSE]), self._random.choice((1, 1, 2, 5))
        self._point(MOUSE[how], *self._place(), times)

    def _drag(self) -> None:
        """Press the mouse, move it, and let it go; perhaps never."""
        begin, end = self._place(), self._place()
        self._point(0, *begin, ends="M")
        self._point(32, *end, ends="M")
        if self._random.random() < 0.9:
            self._point(0, *end, ends="m")

    def _place(self) -> tuple[int, int]:
        return self._random.randint(1, 120), self._random.randint(1, 40)

    def _point(self, button: int, column: int, line: int, times: int = 1, ends: str = "Mm") -> None:
        self.report.recent.append(f"mouse {button} {column},{line} {ends} x{times}")
        self.terminal.send("".join(f"\x1b[<{button};{column};{line}{end}" for end in ends * times))

    def _resize(self) -> None:
        columns, lines = self._random.choice(SIZES)
        self.report.recent.append(f"size {columns}x{lines}")
        self.terminal.resize(columns, lines)

    def _edit(self) -> None:
        """Save a file as editors do: in place, by renaming, or often in a burst; or lose it. Some texts are broken."""
        self.report.edits += 1
        name, how = self._random.choice([*EDITS]), self._random.choice(SAVES)
        text = self._random.choice(EDITS[name])
        self.report.recent.append(f"{name} {how} {EDITS[name].index(text)}")
        path = self._project / name
        beside = path.with_name(f".{name}.swp")
        match how:
            case "deleted":
                path.unlink(missing_ok=True)
            case "moved" if path.exists():
                path.replace(path.with_suffix(".old"))
            case "renamed":
                beside.write_text(text)
                beside.replace(path)
            case "half":
                path.write_bytes(text.encode()[: self._random.randrange(len(text.encode()) + 1)])
            case _:
                for _ in range(8 if how == "burst" else 1):
                    path.write_text(text)

    def _wait(self) -> None:
        self.terminal.look(self._random.random() * 0.4)

    # What is looked at

    def _answered(self) -> None:
        """A change of size must be painted."""
        self.terminal.look(0.05)
        self.terminal.resize(118, 39)
        begin = time.monotonic()
        self.terminal.resize(120, 40)
        try:
            self.terminal.wait_for_paint(ANSWER)
        except TimeoutError:
            self.report.errors.append(f"nothing was painted for {ANSWER} seconds")
            os.kill(self.terminal.pid, signal.SIGUSR1)
            time.sleep(1)
        self.report.slowest = max(self.report.slowest, time.monotonic() - begin)

    def _settle(self) -> None:
        """Let everything end, and see what is held then."""
        try:
            self.terminal.send("\x1b[<0;1;1m")
            for key in ("escape", "escape", "escape", "escape", "K"):
                self._press(key)
                self.terminal.look(0.3)
            self.terminal.look(2.0)
            self._answered()
        except OSError:
            return
        held = self._held()
        if held:
            self.report.held.append(held)
        zombies = [pid for pid in self._children() if _state(pid) == "Z"]
        time.sleep(0.5 if zombies else 0)
        if any(_state(pid) == "Z" for pid in zombies):
            self.report.errors.append(f"zombie processes: {zombies}")

    def _held(self) -> Held | None:
        place = Path(f"/proc/{self.terminal.pid}")
        try:
            status = dict(line.split(":", 1) for line in (place / "status").read_text().splitlines())
            return Held(int(status["VmRSS"].split()[0]) / 1024, int(status["Threads"]), len(os.listdir(place / "fd")))
        except (OSError, KeyError):
            return None

    def _children(self) -> list[int]:
        try:
            text = Path(f"/proc/{self.terminal.pid}/task/{self.terminal.pid}/children").read_text()
        except OSError:
            return []
        return [int(pid) for pid in text.split()]

    def _compare(self) -> None:
        """What is held at the end against what was held when the program was warm."""
        if len(self.report.held) < 3:
            return
        warm, last = self.report.held[len(self.report.held) // 3], self.report.held[-1]
        if last.threads > warm.threads + 4:
            self.report.errors.append(f"threads grew from {warm.threads} to {last.threads}")
        if last.files > warm.files + 10:
            self.report.errors.append(f"open files grew from {warm.files} to {last.files}")
        if last.memory > 1.5 * warm.memory + 50:
            self.report.errors.append(f"memory grew from {warm.memory:.0f} to {last.memory:.0f} MiB")

    def _left(self) -> None:
        """The program has ended: by a key for that, or by an exception."""
        terminal, self._terminal = self.terminal, None
        code = terminal.ended(10)
        terminal.__exit__(None, None, None)
        if code != 0:
            shown = terminal.tail.decode(errors="replace")
            self.report.errors.append(f"the program ended with {code}; it showed last:\n{shown[-6000:]}")

    def _leave(self) -> None:
        for key in ("q", "enter"):
            try:
                self._press(key)
                self.terminal.look(1.0)
            except OSError:
                break
        self._left()

    def _look_for_trouble(self) -> None:
        if self._trouble.exists() and self._trouble.stat().st_size:
            self.report.errors.append("exceptions were raised:\n" + self._trouble.read_text()[-6000:])

    def _look_for_processes(self) -> None:
        """Nothing that a task started may be left."""
        for _ in range(20):
            left = self._processes()
            if not left:
                return
            time.sleep(0.25)
        self.report.errors.append(f"processes are left: {left}")
        for pid in left:
            os.kill(pid, signal.SIGKILL)

    def _processes(self) -> dict[int, str]:
        found = {}
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                place = os.readlink(f"/proc/{name}/cwd")
                command = Path(f"/proc/{name}/cmdline").read_bytes()
            except OSError:
                continue
            if place.startswith(str(self._project)):
                found[int(name)] = command.replace(b"\0", b" ").decode(errors="replace")
        return found


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][:1]
    except OSError:
        return ""


if __name__ == "__main__":
    main()
