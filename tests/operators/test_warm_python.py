"""A task that a warm parent forks cannot be told from one whose interpreter was started for it."""

from __future__ import annotations

import asyncio
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from digdag_tui.engine.operator import Keep
from digdag_tui.operators.warm_python import WarmPythons
from digdag_tui.workflow.errors import DigdagError, TaskRuntimeError

from ..program import ROOT
from .dap_client import DapClient
from .support import Call, call
from .test_process import gone, is_running

TASKS = """\
import atexit
import faulthandler
import gc
import inspect
import json
import logging
import multiprocessing
import os
import random
import signal
import stat
import subprocess
import sys
import threading
import time

import digdag


class Deleted:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        print("deleted", self.name)



def interpreter():
    main = sys.modules["__main__"]
    print(sys.argv, getattr(sys, "orig_argv", None), sys.executable, sys.prefix, sys.flags)
    print(sys.path, sys.warnoptions, sys._xoptions, sys.getrecursionlimit(), sys.dont_write_bytecode)
    print(main.__file__, main.__name__, main.__spec__, main.__loader__.path, main.__loader__.name, sorted(vars(main)))
    print([(frame.filename, frame.lineno, frame.function, frame.code_context) for frame in inspect.stack()])
    print(inspect.getsource(main.Env.store), inspect.getsourcefile(main.call))
    print(gc.isenabled(), gc.get_threshold(), sys.gettrace(), sys.getprofile(), sys.excepthook, sys.displayhook)
    print(threading.enumerate(), threading.current_thread() is threading.main_thread(), threading.active_count())
    names = set(sys.modules) - {"_socket", "atexit", "importlib.machinery"}
    print(sorted(names))


def system():
    mask = os.umask(0)
    print(os.getcwd(), mask, os.getpid() == os.getsid(0) == os.getpgid(0), os.nice(0), os.getuid(), os.getgroups())
    print([(number, signal.getsignal(number)) for number in sorted(signal.Signals)])
    print(signal.pthread_sigmask(signal.SIG_BLOCK, []), signal.set_wakeup_fd(-1))
    print([(fd, stat.S_IFMT(os.fstat(fd).st_mode), os.get_inheritable(fd), os.get_blocking(fd)) for fd in range(3)])
    print(sorted(os.listdir("/dev/fd")))
    for stream in (sys.stdin, sys.stdout, sys.stderr, sys.__stdout__):
        print(stream.name, stream.encoding, stream.errors, stream.isatty(), stream.line_buffering, stream.mode)
        print(stream.newlines, type(stream.buffer).__name__, getattr(stream, "write_through", None))
    print(sys.getfilesystemencoding(), sys.getdefaultencoding(), time.tzname)
    with open("/proc/self/status") as status:
        names = ("SigI", "SigC", "SigB", "Shd", "Cap", "NoNewPrivs", "Seccomp:", "Threads")
        print([line for line in status if line.startswith(names)])


def environment():
    names = ("_", "SHLVL", "PWD", "OLDPWD")
    print([(name, value) for name, value in os.environ.items() if name not in names])
    print(subprocess.run(["env"], stdout=subprocess.PIPE).stdout.decode(errors="surrogateescape").count("\\n"))
    child = subprocess.run(["/bin/sh", "-c", "echo $COLOR $GONE $EMPTY."], stdout=subprocess.PIPE)
    print(child.stdout, os.environb.get(b"ODD"))
    import ctypes

    getenv = ctypes.CDLL(None).getenv
    getenv.restype = ctypes.c_char_p
    print(getenv(b"COLOR"), getenv(b"GONE"), getenv(b"HOME"))


def change_everything():
    os.environ["LEFT"] = "behind"
    del os.environ["HOME"]
    sys.path.insert(0, "/left/behind")
    os.umask(0)
    os.chdir("/")
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    random.seed(1)
    json.dumps = None
    print("changed")


def order():
    print("one")
    print("two", file=sys.stderr)
    sys.stdout.write("three ")
    os.write(1, b"four\\n")
    subprocess.run(["/bin/echo", "five"])
    sys.stderr.write("six")
    sys.stdout.flush()
    print("seven", flush=True)
    subprocess.run(["/bin/echo", "eight"])


def much():
    for number in range(20000):
        print("line", number)


def ends():
    atexit.register(print, "atexit one")
    atexit.register(lambda: print("atexit two", sorted(sys.modules)[:3], json.dumps({"a": 1})))
    threading.Thread(target=lambda: (time.sleep(0.1), print("thread ended")), name="slow").start()
    threading.Thread(target=lambda: (time.sleep(60), print("never")), daemon=True).start()
    print("returned")


class Late:
    def __init__(self, print=print):
        self.print = print

    def __del__(self):
        self.print("late", type(self).__name__, sys is not None)
        import json

        raise ValueError("in __del__")


def deletes():
    global late, at_end, unclosed
    unclosed = open("unclosed.txt", "w")
    unclosed.write("flushed at the end")
    late, at_end = Late(), Deleted("at the end of the module")
    loop = [Deleted("in a cycle")]
    loop.append(loop)


def keeps_in_sys():
    sys.last = Deleted("in sys")


async def later():
    pass


def unawaited():
    sys.unawaited = later()


def fails(kind):
    if kind == "raise":
        raise ValueError("no")
    if kind == "exit":
        sys.exit(3)
    if kind == "text":
        sys.exit("no")
    if kind == "hard":
        os._exit(9)
    if kind == "abort":
        os.abort()
    if kind == "interrupt":
        raise KeyboardInterrupt
    if kind == "atexit":
        atexit.register(lambda: 1 / 0)
    if kind == "atexit exit":
        atexit.register(lambda: sys.exit(5))
    if kind == "closed":
        os.close(1)
        print("lost")
    if kind == "full":
        os.dup2(os.open("/dev/full", os.O_WRONLY), 1)
        print("lost")
    if kind == "hook":
        sys.excepthook = lambda kind, error, trace: print("hook", kind, trace.tb_frame.f_code.co_name)
        raise ValueError("hooked")
    if kind == "recursion":
        fails(kind)
    if kind == "fault":
        faulthandler.enable()
        os.kill(os.getpid(), signal.SIGSEGV)
    if kind == "import":
        import no_such_module
    if kind == "pipe":
        reading, writing = os.pipe()
        os.close(reading)
        os.write(writing, b"x")
    os.kill(os.getpid(), int(kind))
    time.sleep(60)


def handled():
    signal.signal(signal.SIGTERM, lambda number, frame: print("handled", number))
    os.kill(os.getpid(), signal.SIGTERM)
    faulthandler.register(signal.SIGUSR1, all_threads=False)
    os.kill(os.getpid(), signal.SIGUSR1)
    signal.signal(signal.SIGALRM, lambda number, frame: print("alarm"))
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    signal.pause()
    child = subprocess.Popen(["/bin/true"])
    print("child", child.wait(), subprocess.run(["/bin/sh", "-c", "exit 3"]).returncode)
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        print("no child of ours")


def processes(method):
    from module import double, say

    context = multiprocessing.get_context(method)
    with context.Pool(2) as pool:
        print(pool.map(double, range(5)))
    child = context.Process(target=say, args=(method,))
    child.start()
    child.join()
    print(child.exitcode, context.Process.__name__)


def forks():
    child = os.fork()
    if not child:
        print("in the child", flush=True)
        sys.exit(0)
    print(os.waitpid(child, 0)[1])


def logs():
    logging.basicConfig(level="INFO", format="%(levelname)s %(name)s %(message)s")
    logging.getLogger("mine").info("hello")
    logging.getLogger("mine").debug("hidden")
    print("kept", hash("x") == hash("x"), random.random() != random.random())


class Tee:
    def __init__(self, under):
        self.under = under

    def write(self, text):
        self.under.write(text.upper())

    def flush(self):
        self.under.flush()


def replaces():
    sys.stdout = Tee(sys.stdout)
    sys.stderr = sys.stdout
    print("shouted")


def reads():
    import select

    print(select.select([sys.stdin], [], [], 0)[0], os.isatty(0))


def text(word):
    print(word, "\\u00e4\\u65e5")


def hashes():
    print(hash("a text"), {"a", "b", "c", "d", "e"})


def uses():
    import module

    print(module.value())


def unfreezes():
    gc.unfreeze()
    gc.collect()
    print("still", json.dumps(1))


def sleep():
    print("begun", flush=True)
    with open("pid.new", "w") as file:
        file.write(str(os.getpid()))
    os.rename("pid.new", "pid")
    time.sleep(60)


def patient():
    signal.signal(signal.SIGTERM, lambda number, frame: (print("cleaned"), sys.exit(0)))
    sleep()


def family():
    child = subprocess.Popen(["/bin/sleep", "60"])
    with open("pid.new", "w") as file:
        file.write("%d %d" % (os.getpid(), child.pid))
    os.rename("pid.new", "pid")
    child.wait()


def nothing():
    pass
"""


LEAVING = """\
import functools
import gc
import io
import json
import os
import sys
import warnings


class Slots:
    __slots__ = ()
    __del__ = lambda self: print("slots deleted")


class Meta(type):
    def __del__(cls):
        print("class deleted", cls.__name__)


class Own(dict):
    def __del__(self):
        print("dict deleted")


class Raw(io.FileIO):
    def close(self):
        print("closed")
        super().close()


def opened(text):
    file = open("unclosed.txt", "w")
    file.write(text)
    return file


def generator():
    try:
        yield
    finally:
        print("generator ended")


class Waiting:
    def __await__(self):
        yield


async def coroutine():
    try:
        await Waiting()
    finally:
        print("coroutine ended")


def leaves(kind):
    global left, anchor
    anchor = None
    if kind == "slots":
        left = Slots()
    if kind == "metaclass":
        left = Meta("Made", (), {})
    if kind == "subclass":
        left = Own(a=1)
    if kind == "raw file":
        left = Raw("tasks.py")
    if kind == "file":
        left = opened("in a global")
    if kind == "thread local":
        import threading

        left = threading.local()
        left.file = opened("in a thread's own")
    if kind == "context":
        import contextvars

        left = contextvars.ContextVar("left")
        left.set(opened("in a context"))
    if kind == "closure":
        left = (lambda file: lambda: file)(opened("in a closure"))
    if kind == "partial":
        left = functools.partial(print, opened("in a partial"))
    if kind == "exception":
        try:
            file = opened("in a frame")
            1 / 0
        except ZeroDivisionError as error:
            left = error
    if kind == "generator":
        left = generator()
        next(left)
    if kind == "coroutine":
        left = coroutine()
        left.send(None)
    if kind == "weak reference":
        import weakref

        anchor = type("Anchor", (), {})()
        left = weakref.ref(anchor, lambda reference: print("anchor gone"))
    if kind == "weak dictionary":
        import weakref

        anchor = type("Anchor", (), {})()
        left = weakref.WeakValueDictionary(a=anchor)
    if kind == "finalizer":
        import weakref

        anchor = type("Anchor", (), {})()
        left = weakref.finalize(anchor, print, "finalized")
    if kind == "collector":
        gc.callbacks.append(lambda phase, info: print(phase))
    if kind == "audit":
        sys.addaudithook(lambda event, arguments: event == "open" and os.write(1, b"audit"))
        left = opened("audited")
    if kind == "stdout":
        sys.stdout = io.TextIOWrapper(sys.stdout.buffer, write_through=False)
        print("in a buffer of its own")
    if kind == "warning":
        warnings.simplefilter("always")
        left = os.scandir(".")
    if kind == "temporary file":
        import tempfile

        left = tempfile.NamedTemporaryFile(dir=".", prefix="kept")
    if kind == "temporary folder":
        import tempfile

        left = tempfile.TemporaryDirectory(dir=".", prefix="kept")
    if kind == "pool":
        import multiprocessing.pool

        left = multiprocessing.pool.ThreadPool(1)
        print(left.apply(str, [1]))
    if kind == "process":
        import subprocess

        left = subprocess.Popen(["/bin/echo", "of a child"])
    if kind == "much":
        left = [[number] for number in range(30000)]
    if kind == "half a line":
        sys.stdout.write("no end of line")
    if kind == "inner fork":
        left = os.fork()
        if left:
            os.waitpid(left, 0)
        print("parent" if left else "child", flush=True)
"""

MODULE = """\
def value():
    return "of a module"


def double(number):
    return number * 2


def say(text):
    print("child says", text, __name__, flush=True)
"""


def interpreters() -> list[str]:
    """Pythons of all versions that are on this machine, the one that tests run with first."""
    names = [f"python3.{minor}" for minor in range(7, 16)]
    home = Path(os.environ.get("PYENV_ROOT", Path(pwd.getpwuid(os.getuid()).pw_dir, ".pyenv")))
    pyenv = [str(path) for name in names for path in sorted(home.glob(f"versions/*/bin/{name}"))]
    found: dict[str, tuple[int, ...]] = {sys.executable: sys.version_info[:2]}
    for program in [*pyenv, *filter(None, map(shutil.which, names))]:
        version = tuple(int(part) for part in re.findall(r"\d+", os.path.basename(program)))
        asked = [program, "-c", "import sys; print(sys.executable)"]
        if version not in found.values() and not subprocess.run(asked, capture_output=True, timeout=60).returncode:
            found[program] = version[:2]
    return list(found)


INTERPRETERS = interpreters()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "tasks.py").write_text(TASKS)
    (tmp_path / "module.py").write_text(MODULE)
    (tmp_path / "leaving.py").write_text(LEAVING)
    return tmp_path


@pytest.fixture
def keep() -> Iterator[Keep]:
    keep = Keep()
    yield keep
    keep.close()


async def outcome(task: Call) -> list[str]:
    """What anyone can see of a task, without what differs from one process to the next."""
    try:
        result = await task.run()
        came = f"{result.store} {result.export} {result.subtasks}"
    except DigdagError as error:
        came = f"{error.error_message} {getattr(error, 'frames', '')}"
    text = "".join(task.output) + came
    text = re.sub(r"digdag-py-7-\d+", "digdag-py-7-N", text)
    return re.sub(r"0x[0-9a-f]+|(?<=pid[ =])\d+|(?<=Process-)\d+|(?<=started )\d+", "N", text).splitlines()


def reasons(task: Call) -> list[str]:
    """Why a task was started plainly."""
    return [message for _, _, message in task.log if "anew" in message]


async def compared(project: Path, keep: Keep, command: str, options: dict[str, Any] | None = None) -> list[str]:
    """The outcome of a task, which is the same both ways."""
    plain = call(project, "py", command, options)
    warm = call(project, "py", command, options, keep=keep)
    first = await outcome(plain)
    assert await outcome(warm) == first
    assert reasons(warm) == []
    return first


FUNCTIONS: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in (
        "interpreter", "system", "environment", "order", "much", "ends", "deletes", "keeps_in_sys", "unawaited",
        "handled", "forks", "logs", "replaces", "reads", "interpreter", "uses", "unfreezes", "no_such_function",
    )),
    *(("fails", {"kind": kind}) for kind in (
        "raise", "exit", "text", "hard", "abort", "interrupt", "atexit", "atexit exit", "closed", "full", "hook",
        "recursion", "fault", "import", "pipe", "9", "15", "2", "10",
    )),
    *(("processes", {"method": method}) for method in ("fork", "spawn", "forkserver")),
    ("system", {"_workdir": "sub/folder"}),
    ("interpreter", {"_workdir": "sub/folder"}),
    ("fails", {"kind": "raise", "_workdir": "sub/folder"}),
    ("environment", {"_env": {"COLOR": "red", "EMPTY": "", "ODD": "a\u00e4=\n\u65e5"}}),
]  # fmt: skip


LEFT = re.findall(r'kind == "(.+)"', LEAVING)

VERSION_SPECIFIC = (
    "interpreter", "system", "environment", "order", "ends", "deletes", "unawaited", "handled", "logs",
)  # fmt: skip


@pytest.mark.parametrize("python", INTERPRETERS, ids=os.path.basename)
async def test_both_ways_are_the_same(project: Path, keep: Keep, python: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "sub" / "folder").mkdir(parents=True)
    shutil.copy(project / "tasks.py", project / "sub" / "folder")
    monkeypatch.setenv("GONE", "ours")
    for name, options in FUNCTIONS:
        if python == INTERPRETERS[0] or name in VERSION_SPECIFIC or options.get("kind") in ("raise", "exit", "full"):
            said = await compared(project, keep, f"tasks.{name}", {"python": python, **options})
        if name == "deletes":
            assert (project / "unclosed.txt").read_text() == "flushed at the end"
            (project / "unclosed.txt").unlink()
            assert "deleted at the end of the module" in said


@pytest.mark.parametrize("python", INTERPRETERS, ids=os.path.basename)
async def test_what_a_task_leaves_behind_ends_as_ever(project: Path, keep: Keep, python: str) -> None:
    ended = set()
    for kind in LEFT:
        seen = []
        for kept in (None, keep):
            task = call(project, "py", "leaving.leaves", {"python": python, "kind": kind}, keep=kept)
            seen.append([*await outcome(task), *(file.read_text() for file in project.glob("unclosed.txt"))])
            assert reasons(task) == []
            assert not list(project.glob("kept*"))
            (project / "unclosed.txt").unlink(missing_ok=True)
        assert seen[0] == seen[1], kind
        if re.search("ended|deleted|gone|finalized|closed|in a", str(seen)):
            ended.add(kind)
    assert {"file", "generator", "closure", "partial", "finalizer", "stdout"} <= ended


async def test_a_task_that_ends_before_we_look_is_not_started_again(
    project: Path, keep: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = socket.send_fds

    def send_and_sleep(*arguments: Any) -> int:
        sent: int = send(*arguments)
        time.sleep(1)
        return sent

    monkeypatch.setattr(socket, "send_fds", send_and_sleep)
    (project / "once.py").write_text("def run():\n    print('once')\n")
    task = call(project, "py", "once.run", keep=keep)
    assert (await outcome(task))[0] == "once"
    assert reasons(task) == []


async def warm(project: Path, keep: Keep, command: str, options: dict[str, Any] | None = None) -> list[str]:
    """The outcome of a task that a warm parent has forked."""
    task = call(project, "py", command, options, keep=keep)
    lines = await outcome(task)
    assert reasons(task) == []
    return lines


def parents(keep: Keep) -> list[int]:
    """The process ids of the warm parents."""
    found = keep.get(WarmPythons)._parents.values()
    return [parent._interpreter.pid for parent in found if parent._interpreter]


async def test_a_task_leaves_nothing_behind_for_the_next(project: Path, keep: Keep) -> None:
    before = [await warm(project, keep, f"tasks.{name}") for name in ("interpreter", "system", "environment")]
    assert (await warm(project, keep, "tasks.change_everything"))[0] == "changed"
    assert [await warm(project, keep, f"tasks.{name}") for name in ("interpreter", "system", "environment")] == before
    assert len(parents(keep)) == 1


async def test_modules_are_read_anew_by_each_task(project: Path, keep: Keep) -> None:
    module = project / "module.py"
    for number in range(12):
        module.write_text(f"def value():\n    return {'x' * number!r}\n")
        assert await warm(project, keep, "tasks.uses") == ["x" * number, "{} {} {}"]
    module.unlink()
    (project / "module").mkdir()
    (project / "module" / "__init__.py").write_text("def value():\n    return 'of a package'\n")
    assert (await warm(project, keep, "tasks.uses"))[0] == "of a package"
    assert len(parents(keep)) == 1


@pytest.mark.parametrize(
    "variables",
    [
        {"PYTHONHASHSEED": "7"},
        {"PYTHONIOENCODING": "latin-1:replace"},
        {"PYTHONUTF8": "1", "LC_ALL": "C"},
        {"LC_ALL": "C", "LANG": "", "PYTHONCOERCECLOCALE": "0"},
        {"LC_ALL": "", "LANG": "C", "LC_CTYPE": ""},
        {"PYTHONUNBUFFERED": "1"},
        {"PYTHONPATH": "sub", "PYTHONDONTWRITEBYTECODE": "1"},
        {"PYTHONWARNINGS": "error", "PYTHONDEVMODE": "1"},
        {"TZ": "Asia/Tokyo"},
        {"HOME": "/nowhere", "PYTHONNOUSERSITE": "1"},
    ],
    ids=lambda variables: " ".join(variables),
)
async def test_variables_that_an_interpreter_reads_at_its_start(
    project: Path, keep: Keep, variables: dict[str, str]
) -> None:
    (project / "sub").mkdir()
    await compared(project, keep, "tasks.nothing")
    for name in ("interpreter", "system", "environment", "order"):
        await compared(project, keep, f"tasks.{name}", {"_env": variables})
    await compared(project, keep, "tasks.text", {"word": "caf\u00e9", "_env": variables})
    if "PYTHONHASHSEED" in variables:
        await compared(project, keep, "tasks.hashes", {"_env": variables})
    assert len(parents(keep)) == (1 if variables.items() <= os.environ.items() else 2)


@pytest.mark.parametrize(
    "options",
    [["-O"], ["-I"], ["-E", "-s", "-u"], ["-S"], ["-W", "error", "-Wignore"], ["-X", "dev", "-Xutf8"], ["-b", "-B"]],
    ids=" ".join,
)
async def test_options_of_the_interpreter(project: Path, keep: Keep, options: list[str]) -> None:
    for name in ("interpreter", "system", "order"):
        await compared(project, keep, f"tasks.{name}", {"python": [sys.executable, *options]})
    assert len(parents(keep)) == 1


async def test_other_variables_are_the_tasks_own(project: Path, keep: Keep) -> None:
    for number in range(5):
        lines = await warm(project, keep, "tasks.environment", {"_env": {"COLOR": f"blue {number}"}})
        assert lines[2] == f"b'blue {number} .\\n' None"
    assert len(parents(keep)) == 1


def wrapper(project: Path, name: str, text: str) -> str:
    file = project / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(text.replace("PYTHON", sys.executable))
    file.chmod(0o755)
    return str(file)


@pytest.mark.parametrize(
    ("python", "reason"),
    [
        (["python", "wrapper.py"], "its option wrapper.py runs something else than a script"),
        ([sys.executable, "-m", "runpy"], "its option -m runs something else than a script"),
        (["nice", sys.executable], "nice is a program that starts the interpreter"),
        ('#!/bin/sh\necho wrapped\nexec PYTHON "$@"\n', "P/tools/python is a script"),
        ([sys.executable, "-X", "importtime"], "it prints when it starts"),
        ([sys.executable, "-x"], "it cannot run the runner without a task"),
    ],
)
async def test_what_starts_plainly(project: Path, keep: Keep, python: str | list[str], reason: str) -> None:
    (project / "wrapper.py").write_text(
        "import runpy, sys\ndel sys.argv[0]\nrunpy.run_path(sys.argv[0], {}, '__main__')"
    )
    if isinstance(python, str):
        python = wrapper(project, "tools/python", python)
    tasks = [call(project, "py", "tasks.order", {"python": python}, keep=keep) for _ in range(2)]
    plain = call(project, "py", "tasks.order", {"python": python})
    expected = [line for line in await outcome(plain) if "import time:" not in line]
    for task in tasks:
        assert [line for line in await outcome(task) if "import time:" not in line] == expected
    said = [line.replace(str(project), "P") for task in tasks for line in reasons(task)]
    assert [line.partition(" starts anew for each py> task: ")[2] for line in said] == [reason]
    assert parents(keep) == []


async def test_a_version_managers_shim(project: Path, keep: Keep) -> None:
    text = '#!/bin/sh\nexport CHOSEN=$(cat .python-version)\nexec PYTHON $(cat .python-version) "$@"\n'
    shim = wrapper(project, "shims/python", text)
    for option, optimize in (("-O", 1), ("-OO", 2), ("-s", 0)):
        (project / ".python-version").write_text(option)
        os.utime(project / ".python-version", (optimize, optimize))
        for name in ("interpreter", "environment"):
            lines = await compared(project, keep, f"tasks.{name}", {"python": shim})
        assert f"('CHOSEN', '{option}')" in lines[0]
    assert len(parents(keep)) == 1


async def test_a_start_that_has_threads_or_a_tracer_is_not_forked(
    project: Path, keep: Keep, tmp_path_factory: pytest.TempPathFactory
) -> None:
    hooks = tmp_path_factory.mktemp("hooks")
    options = {"_env": {"PYTHONPATH": str(hooks)}}
    for text, reason in (
        ("import sys\nsys.settrace(lambda *a: None)\n", "its start has begun to trace or to measure"),
        ("import threading, time\nthreading.Thread(target=time.sleep, args=(30,), daemon=True).start()\n", "threads"),
        ("import os\nos.chdir('/')\n", "it leaves the task's directory"),
    ):
        (hooks / "sitecustomize.py").write_text(text)
        task = call(project, "py", "tasks.nothing", options, keep=Keep())
        await outcome(task)
        assert reason in reasons(task)[0]
    (hooks / "sitecustomize.py").write_text("import atexit, hooked\natexit.register(print, 'hooked', hooked.NAME)\n")
    for name in ("one", "another"):
        (hooks / "hooked.py").write_text(f"NAME = {name!r}\n")
        for function in ("ends", "deletes", "unawaited"):
            lines = await compared(project, keep, f"tasks.{function}", options)
        assert f"hooked {name}" in lines


async def test_a_new_package_or_interpreter_is_seen(
    project: Path, keep: Keep, tmp_path_factory: pytest.TempPathFactory
) -> None:
    environment = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True, timeout=120)
    options = {"python": str(environment / "bin" / "python")}
    (project / "packaged.py").write_text("def show():\n    import package\n    print(package.__file__)\n")
    assert "No module named 'package'" in "".join(await warm(project, keep, "packaged.show", options))
    first = parents(keep)
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "package.py").touch()
    assert await warm(project, keep, "packaged.show", options) == [str(packages / "package.py"), "{} {} {}"]
    second = parents(keep)
    (packages / "package.py").unlink()
    (project / "package.py").touch()
    (packages / "project.pth").write_text(f"import sys; sys.path.insert(0, {str(project)!r})\n")
    assert await warm(project, keep, "packaged.show", options) == [str(project / "package.py"), "{} {} {}"]
    assert len({*first, *second, *parents(keep)}) == 3
    assert await gone([*first, *second])


@pytest.mark.parametrize("name", ["sleep", "patient", "family"])
async def test_cancelling_ends_the_task_only(project: Path, keep: Keep, name: str) -> None:
    task = call(project, "py", f"tasks.{name}", keep=keep)
    running = asyncio.create_task(task.run())
    while not (project / "pid").exists():
        await asyncio.sleep(0.01)
    pids = [int(word) for word in (project / "pid").read_text().split()]
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await gone(pids)
    assert ("cleaned" in task.lines) == (name == "patient")
    assert await warm(project, keep, "tasks.nothing") == ["{} {} {}"]
    assert len(parents(keep)) == 1
    assert list((project / ".digdag" / "tmp").iterdir()) == []


async def test_cancelling_while_it_starts(project: Path, keep: Keep) -> None:
    for rounds in range(12):
        running = asyncio.create_task(call(project, "py", "tasks.sleep", keep=keep).run())
        for _ in range(rounds):
            await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert await warm(project, keep, "tasks.nothing") == ["{} {} {}"]
    (parent,) = parents(keep)
    keep.close()
    children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(parent)], capture_output=True).stdout
    assert children == b""


async def test_a_parent_that_is_ended_between_tasks_is_replaced(project: Path, keep: Keep) -> None:
    for number in (signal.SIGKILL, signal.SIGTERM):
        await warm(project, keep, "tasks.nothing")
        (parent,) = parents(keep)
        os.kill(parent, number)
        assert await gone([parent])
        await warm(project, keep, "tasks.nothing")
        assert parents(keep) != [parent]


async def test_a_parent_that_is_ended_takes_its_task_with_it(project: Path, keep: Keep) -> None:
    running = asyncio.create_task(call(project, "py", "tasks.sleep", keep=keep).run())
    while not (project / "pid").exists():
        await asyncio.sleep(0.01)
    os.kill(parents(keep)[0], signal.SIGKILL)
    with pytest.raises(TaskRuntimeError, match="ended from outside"):
        await running
    assert await gone([int((project / "pid").read_text())])
    await warm(project, keep, "tasks.nothing")


async def test_a_replaced_parent_stays_for_the_tasks_that_run(project: Path, keep: Keep) -> None:
    (project / "waits.py").write_text(
        "import os, time\n\ndef wait():\n    open('begun', 'w')\n"
        "    while not os.path.exists('go'):\n        time.sleep(0.01)\n    print('went')\n"
    )
    task = call(project, "py", "waits.wait", keep=keep)
    running = asyncio.create_task(outcome(task))
    while not (project / "begun").exists():
        await asyncio.sleep(0.01)
    (parent,) = parents(keep)
    keep.close()
    assert is_running(parent)
    (project / "go").touch()
    assert await running == ["went", "{} {} {}"]
    assert await gone([parent])


async def test_many_tasks_at_once(project: Path, keep: Keep) -> None:
    (project / "many.py").write_text("import digdag\n\ndef keep(n):\n    print(n)\n    digdag.env.store(n=n)\n")
    tasks = [call(project, "py", "many.keep", {"n": number}, keep=keep) for number in range(60)]
    results = await asyncio.gather(*(task.run() for task in tasks))
    assert [result.store for result in results] == [{"n": number} for number in range(60)]
    assert [task.lines for task in tasks] == [[str(number)] for number in range(60)]
    assert len(parents(keep)) == 1


async def test_nothing_stays_open_after_many_tasks(project: Path, keep: Keep) -> None:
    await warm(project, keep, "tasks.nothing")
    (parent,) = parents(keep)

    def descriptors() -> tuple[int, int]:
        return len(os.listdir("/proc/self/fd")), len(os.listdir(f"/proc/{parent}/fd"))

    before = descriptors()
    for number in range(200):
        await warm(project, keep, "tasks.nothing" if number % 10 else "tasks.no_such_function")
    assert descriptors() == before
    assert parents(keep) == [parent]
    keep.close()
    assert not is_running(parent)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


async def test_few_parents_are_kept(project: Path, keep: Keep) -> None:
    seen = set()
    for number in range(12):
        await warm(project, keep, "tasks.nothing", {"_env": {"PYTHONHASHSEED": str(number)}})
        seen.update(parents(keep))
    assert len(seen) == 12
    assert len(parents(keep)) == 8
    assert await gone([pid for pid in seen if pid not in parents(keep)])


HOST = """\
import asyncio, sys
from pathlib import Path
from digdag_tui.engine.operator import Keep
from digdag_tui.operators.warm_python import WarmPythons
from tests.operators.support import call

async def main():
    keep = Keep()
    await call(Path(sys.argv[1]), "py", "tasks.nothing", keep=keep).run()
    print(*[parent._interpreter.pid for parent in keep.get(WarmPythons)._parents.values()], flush=True)
    if sys.argv[2] == "leave":
        return
    sys.stdin.read()

asyncio.run(main())
"""


@pytest.mark.parametrize("end", ["kill", "leave"])
async def test_a_parent_ends_with_us(project: Path, end: str) -> None:
    host = subprocess.Popen(
        [sys.executable, "-c", HOST, project, end], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert host.stdout
    assert host.stdin
    parent = int(host.stdout.readline())
    if end == "kill":
        assert is_running(parent)
        host.kill()
    host.wait(60)
    assert await gone([parent])
    host.stdout.close()
    host.stdin.close()


async def test_a_debugger_comes_into_a_forked_task(project: Path, keep: Keep) -> None:
    (project / "debugged.py").write_text("import digdag\n\ndef work(n):\n    digdag.env.store(total=n + 1)\n")
    python = [sys.executable, "-S"]  # an interpreter without any package, so that debugpy is ours
    for _ in range(2):
        waiting: asyncio.Future[tuple[str, int]] = asyncio.get_running_loop().create_future()
        task = call(
            project,
            "py",
            "debugged.work",
            {"n": 4, "python": python},
            keep=keep,
            debug_python=True,
            debug_waiting=lambda host, port, waiting=waiting: waiting.set_result((host, port)),
        )
        running = asyncio.create_task(task.run())
        client = await DapClient.attach(*await waiting, {project / "debugged.py": [4]})
        stopped = await client.event("stopped")
        frames = (await client.ask("stackTrace", threadId=stopped["threadId"]))["stackFrames"]
        assert (frames[0]["name"], frames[0]["line"]) == ("work", 4)
        change = {"expression": "n = 7", "context": "repl", "frameId": frames[0]["id"]}
        await client.ask("evaluate", **change)
        client.send("continue", threadId=stopped["threadId"])
        assert (await running).store == {"total": 8}
        assert reasons(task) == []
        await client.close()
    lines = await warm(project, keep, "tasks.interpreter", {"python": python})
    assert "debugpy" not in "".join(lines)
    assert len(parents(keep)) == 1


async def test_scripts_and_those_who_ask_for_it_start_plainly(project: Path, keep: Keep) -> None:
    text = "import json, sys\njson.dump({}, open(sys.argv[2], 'w'))\n"
    assert await outcome(call(project, "py", options={"script": text}, keep=keep)) == ["{} {} {}"]
    asked = call(project, "py", "tasks.nothing", keep=keep, settings={"digdag-tui.warm-python": "false"})
    assert await outcome(asked) == ["{} {} {}"]
    assert parents(keep) == []
