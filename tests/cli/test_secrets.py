"""`digdag-tui secrets --local` (cli 3)."""

from __future__ import annotations

import os
import pty
import select
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..program import PROGRAM, digdag_tui
from ..support import write


@pytest.fixture(autouse=True)
def home(tmp_path: Path) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIGDAG_CONFIG_HOME", str(tmp_path / "home"))
        yield tmp_path / "home"


def secrets(*words: str, cwd: Path, text: str | bytes = "") -> subprocess.CompletedProcess[bytes]:
    """Call `secrets --local WORDS` with a text on standard input."""
    data = text.encode() if isinstance(text, str) else text
    command = [*PROGRAM, "secrets", "--local", *words]
    return subprocess.run(command, cwd=cwd, input=data, capture_output=True, timeout=60)


def kept(home: Path) -> dict[str, str]:
    return {path.name: path.read_bytes().decode("utf-8", "surrogateescape") for path in (home / "secrets").iterdir()}


def said(done: subprocess.CompletedProcess[bytes]) -> list[str]:
    """Standard error without its first line."""
    first, *rest = done.stderr.decode().splitlines()
    assert "Digdag v" in first
    return rest


def read(terminal: int) -> bytes:
    """What a process wrote to its terminal, nothing once it has ended."""
    assert select.select([terminal], [], [], 60)[0]
    try:
        return os.read(terminal, 1000)
    except OSError:
        return b""


def test_secrets_are_set_listed_used_and_deleted(tmp_path: Path, home: Path) -> None:
    done = secrets("--set", "mysql.password=p=1", "api-key=hunter2", "--set", "x=y z", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, b"")
    assert said(done) == ["Secret 'mysql.password' set", "Secret 'api-key' set", "Secret 'x' set"]
    assert kept(home) == {"mysql.password": "p=1", "api-key": "hunter2", "x": "y z"}
    listed = secrets(cwd=tmp_path)
    assert (listed.returncode, listed.stdout) == (0, b"api-key\nmysql.password\nx\n")
    write(tmp_path, {"main.dig": "+a:\n  sh>: echo ${#KEY}\n  _env: {KEY: '${secret:api-key}'}\n"})
    assert "Secret" not in digdag_tui("run", "main", "--no-save", cwd=tmp_path).stderr
    done = secrets("--delete", "x", "never.there", cwd=tmp_path)
    assert said(done) == ["Secret 'x' deleted", "Secret 'never.there' deleted"]
    assert done.returncode == 0
    assert set(kept(home)) == {"mysql.password", "api-key"}


def test_only_the_owner_may_read_them(tmp_path: Path, home: Path) -> None:
    (home / "secrets").mkdir(parents=True)
    (home / "secrets" / "old").write_text("a longer value")
    (home / "secrets" / "old").chmod(0o644)
    secrets("--set", "old=b", "new=c", cwd=tmp_path)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (home / "secrets").iterdir()}
    assert modes == {"old": 0o600, "new": 0o600}
    assert kept(home) == {"old": "b", "new": "c"}


def test_nothing_kept_lists_nothing(tmp_path: Path, home: Path) -> None:
    done = secrets(cwd=tmp_path)
    assert (done.returncode, done.stdout, said(done)) == (0, b"", [])
    assert not home.exists()


@pytest.mark.parametrize(
    ("words", "files", "text", "values"),
    [
        (["k=@value.txt"], {"value.txt": "a\nb\n"}, "", {"k": "a\nb\n"}),
        (["k=-"], {}, " from stdin\n", {"k": " from stdin\n"}),
        (["k=-", "b=c"], {}, "", {"k": "", "b": "c"}),
        (["@-"], {}, "a.b: 1.10\nc: yes\nd: 'x: y'\n", {"a.b": "1.10", "c": "yes", "d": "x: y"}),
        (["@-", "z=1"], {}, '{"a": "x", "b": 2}', {"a": "x", "b": "2", "z": "1"}),
        (["@keys.yml"], {"keys.yml": "a: first\nb: second\n"}, "", {"a": "first", "b": "second"}),
        (["k=a@b", "l=a-b", "m=a,b=c"], {}, "", {"k": "a@b", "l": "a-b", "m": "a,b=c"}),
        (["k=\udcff"], {}, "", {"k": "\udcff"}),
        (["k=" + "x" * 16384], {}, "", {"k": "x" * 16384}),
        (["k" * 255 + "=v"], {}, "", {"k" * 255: "v"}),
        (["a1.b-c_d.E=v"], {}, "", {"a1.b-c_d.E": "v"}),
    ],
)
def test_forms(
    tmp_path: Path, home: Path, words: list[str], files: dict[str, str], text: str, values: dict[str, str]
) -> None:
    write(tmp_path, files)
    done = secrets("--set", *words, cwd=tmp_path, text=text)
    assert done.returncode == 0
    assert kept(home) == values
    assert said(done) == [f"Secret '{key}' set" for key in values]


@pytest.mark.parametrize(
    ("words", "text", "message"),
    [
        (["--set", "a=1", "--delete", "b"], "", "Please specify only one of --set or --delete"),
        (["--set", "a=1", "a=2"], "", "Duplicate --set secret key: 'a'"),
        (["--set", "a=1", "@-"], "a: 2", "Duplicate secret key: 'a' in stdin"),
        (["--set", "a=1", "@map.yml"], "", "Duplicate secret key: 'a' in file: map.yml"),
        (["--delete", "a", "a"], "", "Duplicate --delete secret key: 'a'"),
        (["--set", "1a=x"], "", "Invalid secret key: 1a"),
        (["--set", "a b=x"], "", "Invalid secret key: a b"),
        (["--set", "a..b=x"], "", "Invalid secret key: a..b"),
        (["--set", "a.=x"], "", "Invalid secret key: a."),
        (["--set", "a-=x"], "", "Invalid secret key: a-"),
        (["--set", "../a=x"], "", "Invalid secret key: ../a"),
        (["--set", "k" * 256 + "=x"], "", "Invalid secret key: kkk"),
        (["--delete", "../a"], "", "Invalid secret key: ../a"),
        (["--delete", ""], "", "Invalid secret key: "),
        (["--set", "k=" + "\u00e9" * 8193], "", "Invalid secret value for key: k"),
        (["--set", "a=-", "b=-"], "x", "Can only read once from stdin"),
        (["--set", "@-", "b=-"], "a: x", "Can only read once from stdin"),
        (["--set", "a=-", "b"], "x", "Stdin already read"),
        (["--set", "k="], "", "The value of secret 'k' is empty: give one, or --delete the secret"),
        (["--set", "k=-x"], "", "The value of secret 'k' begins with -: write KEY=VALUE, or KEY=@FILE or KEY=-"),
        (["--set", "=v"], "", "A secret has no key: write KEY=VALUE"),
        (["--set", ""], "", "A secret has no key: write KEY=VALUE"),
        (["--set", "k=@"], "", "'@' names no file: write KEY=VALUE"),
        (["--set", "@"], "", "'@' names no file: write KEY=VALUE"),
        (["--set", "@-x"], "", "'@-x' names no file: write KEY=VALUE"),
        (["--set", "@-"], "[1, 2]", "Invalid key/value in stdin: it is a YAML or JSON map of keys to texts"),
        (["--set", "@-"], "a: [1]", "Invalid key/value in stdin: it is a YAML"),
        (["--set", "@-"], "a: {b: 1}", "Invalid key/value in stdin: it is a YAML"),
        (["--set", "@-"], "{'': x}", "Invalid key/value in stdin: it is a YAML"),
        (["--set", "@-"], "a: 'x", "Invalid key/value in stdin: it is a YAML"),
        (["--set", "@-"], "", "Invalid key/value in stdin: it is a YAML"),
        (["--set", "bare"], "", "Secret 'bare' has no value: in a terminal it is asked for; else write KEY=VALUE"),
    ],
)
def test_refusals_say_why_and_change_nothing(
    tmp_path: Path, home: Path, words: list[str], text: str, message: str
) -> None:
    write(tmp_path, {"map.yml": "a: 2\n"})
    done = secrets(*words, cwd=tmp_path, text=text)
    lines = said(done)
    assert done.returncode == 1
    assert lines[0].startswith("Usage: digdag-tui secrets")
    assert lines[-1].startswith(f"error: {message}")
    assert not home.exists()


@pytest.mark.parametrize("words", [["--set", "k=@none.txt"], ["--set", "@none.txt"]])
def test_a_file_that_is_not_there(tmp_path: Path, home: Path, words: list[str]) -> None:
    done = secrets(*words, cwd=tmp_path)
    assert done.returncode == 1
    assert said(done) == ["error: none.txt: No such file or directory"]


def test_a_refusal_does_not_show_the_value(tmp_path: Path) -> None:
    for word in ("=hunter2", "1=hunter2", "k=-hunter2"):
        assert b"hunter2" not in secrets("--set", word, cwd=tmp_path).stderr


def test_either_project_or_local(tmp_path: Path, home: Path) -> None:
    done = digdag_tui("secrets", "--set", "a=1", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.endswith("error: Please specify either --project or --local\n")
    done = digdag_tui("secret", "--project", "sales", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.endswith("error: the secrets of project 'sales' are on a server: only --local works yet\n")
    done = digdag_tui("secrets", "--local", "words", cwd=tmp_path)
    assert done.returncode == 0
    assert "Usage:" in done.stderr
    assert not home.exists()


def test_a_key_alone_is_asked_for_without_showing_what_is_typed(tmp_path: Path, home: Path) -> None:
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(tmp_path)
        os.execv(PROGRAM[0], [*PROGRAM, "secrets", "--local", "--set", "api.key"])
    shown = b""
    while chunk := read(terminal):
        shown += chunk
        if chunk.endswith(b"api.key:"):
            os.write(terminal, b"hunter2\n")
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert kept(home) == {"api.key": "hunter2"}
    assert b"hunter2" not in shown
    assert b"Secret 'api.key' set" in shown
