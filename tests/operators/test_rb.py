from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from digdag_tui.engine.operator import OperatorResult

from .support import Call, call, error, message

RUBY = which("ruby")
MODERN = RUBY and subprocess.run([RUBY, "-e", "exit RUBY_VERSION.to_i >= 3"], timeout=60).returncode == 0
pytestmark = pytest.mark.skipif(not MODERN, reason="needs Ruby 3")

TASKS = """\
def hello(name = "nobody")
  puts "hello #{name}"
end

def part(number)
  puts number
end

def find(command)
  puts "mine: #{command}"
end

module Deep
  module Er
    def self.helper(a:, b: 2) = puts("helper #{a} #{b}")

    class Job
      class Failure < StandardError; end

      def initialize(source = "db", size: 1)
        @source, @size = source, size
      end

      def self.of_class(text) = puts("class #{text}")

      def self.name_of(text) = puts(text)

      def run = puts("run #{@source} #{@size}")

      def name = puts("instance")

      def arguments(a, b = 2, c = 3, *rest, d, k:, l: 5, &block) = p([a, b, c, rest, d, k, l])

      def everything(n, **all) = puts(JSON.generate([n, all[:n], all[:list], all.key?(:_type)]))

      def keep
        Digdag.env.store(a: 1, "b" => [1, { d: nil }])
        Digdag.env.store(a: 2)
        Digdag.env.export(color: "red")
        Digdag.env.set_state(counter: 1)
        puts Digdag.env.params["list"].inspect
      end

      def split
        Digdag.env.add_subtask(:part, number: 1)
        Digdag.env.add_subtask("hello")
        Digdag.env.add_subtask(Job, :arguments, a: 1)
        Digdag.env.add_subtask(Job, "of_class", { "text" => "x" })
        Digdag.env.add_subtask(Er, :helper)
        Digdag.env.add_subtask({ "echo>" => "hash" })
        Digdag.env.add_subtask("echo>": "keywords")
        Digdag.env.subtask_config["_parallel"] = true
      end

      def wrong(kind)
        case kind
        when "nan" then Digdag.env.add_subtask(:part, number: Float::NAN)
        when "missing" then Digdag.env.add_subtask(Job, :nothing)
        when "empty" then Digdag.env.add_subtask
        end
      end

      def fail(text)
        Digdag.env.store(before: 1)
        raise Failure, text
      end

      def other_failure(kind)
        case kind
        when "load" then require "no_such_library"
        when "stack" then other_failure(kind)
        when "bytes" then raise "\\xff!"
        end
      end

      def leave(code) = exit(code)

      def abort = Process.kill(:KILL, Process.pid)

      def broken = Digdag.env.store(x: Float::INFINITY)

      def show
        puts [ENV["number"], ENV["FROM_ENV"], $LOAD_PATH.include?(Dir.pwd), File.basename(Dir.pwd)].inspect
        puts [ARGV[0], *ARGV[1..].map { |word| word.split("/")[0, 2] }].inspect
      end

      private

      def hidden = nil
    end

    class Picky
      def initialize(must:) = nil

      def run = nil
    end

    class Explosive
      def initialize = raise("boom")

      def run = nil
    end
  end
end
"""
JOB = "Deep::Er::Job."


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "tasks.rb").write_text(TASKS)
    return tmp_path


def ran(project: Path, command: Any, options: dict[str, Any] | None = None, **more: Any) -> tuple[Call, OperatorResult]:
    task = call(project, "rb", command, {"require": "lib/tasks", **(options or {})}, **more)
    return task, asyncio.run(task.run())


@pytest.mark.parametrize(
    ("command", "options", "line"),
    [
        ("hello", {}, "hello nobody"),
        ("hello", {"name": "Ann"}, "hello Ann"),
        ("find", {"command": "x"}, "mine: x"),
        ("Deep::Er.helper", {"a": 1}, "helper 1 2"),
        ("Deep::Er.helper", {"a": 1, "b": None}, "helper 1 "),
        ("::Deep::Er.helper", {"a": 1}, "helper 1 2"),
        (JOB + "of_class", {"text": "t"}, "class t"),
        (JOB + "run", {}, "run db 1"),
        (JOB + "run", {"source": "file", "size": 2.5}, "run file 2.5"),
        (JOB + "name", {}, "instance"),
        (JOB + "arguments", {"a": 1, "d": 4, "k": "k"}, '[1, 2, 3, [], 4, "k", 5]'),
        (JOB + "arguments", {"a": 1, "b": 7, "c": 8, "d": 4, "k": "k", "l": None}, '[1, 7, 8, [], 4, "k", nil]'),
        (JOB + "arguments", {"a": 1, "c": 8, "d": 4, "k": "k"}, '[1, 2, 3, [], 4, "k", 5]'),
        (JOB + "everything", {"n": 1, "list": [1, {"a": None}]}, '[1,1,[1,{"a":null}],true]'),
        ("puts", {}, ""),
    ],
)
def test_a_method_gets_what_it_asks_for(project: Path, command: str, options: dict[str, Any], line: str) -> None:
    task, result = ran(project, command, options)
    assert task.lines == [line]
    assert result == OperatorResult()
    assert list((project / ".digdag" / "tmp").iterdir()) == []


def test_surroundings(project: Path) -> None:
    (project / "sub").mkdir()
    (project / "sub" / "lib").symlink_to(project / "lib")
    options = {"number": 1, "_env": {"FROM_ENV": "<${secret:k}>"}, "_workdir": "sub"}
    task, _ = ran(project, JOB + "show", options, secrets={"k": "v"})
    assert task.lines == ['[nil, "<v>", true, "sub"]', f'["{JOB}show", ["..", ".digdag"], ["..", ".digdag"]]']


def test_what_a_method_leaves_behind(project: Path) -> None:
    task, result = ran(project, JOB + "keep", params={"list": [1, "é"]})
    assert task.lines == ['[1, "é"]']
    assert result == OperatorResult(store={"a": 2, "b": [1, {"d": None}]}, export={"color": "red"})


def test_subtasks(project: Path) -> None:
    assert ran(project, JOB + "split")[1].subtasks == {
        "+subtask0": {"number": 1, "rb>": "part"},
        "+subtask1": {"rb>": "hello"},
        "+subtask2": {"a": 1, "rb>": "::Deep::Er::Job.arguments"},
        "+subtask3": {"text": "x", "rb>": "::Deep::Er::Job.of_class"},
        "+subtask4": {"rb>": "::Deep::Er.helper"},
        "+subtask5": {"echo>": "hash"},
        "+subtask6": {"echo>": "keywords"},
        "_parallel": True,
    }


def test_an_exception_has_its_place(project: Path) -> None:
    lines = message(project, "rb", JOB + "fail", {"require": "lib/tasks", "text": "böse"}).splitlines()
    raising = TASKS.splitlines().index("        raise Failure, text") + 1
    assert lines[0] == "Ruby command failed with code 1: böse (Deep::Er::Job::Failure)"
    assert lines[1].startswith(f"\tfrom P/lib/tasks.rb:{raising}:in ")
    assert all(line.startswith("\tfrom .digdag/tmp/digdag-rb-7-") for line in lines[2:])
    assert lines[-1].endswith(" (runtime)")


@pytest.mark.parametrize(
    ("command", "options", "said"),
    [
        (JOB + "fail", {"text": ""}, "1:  (Deep::Er::Job::Failure)"),
        (
            JOB + "wrong",
            {"kind": "missing"},
            "1: Deep::Er::Job has no public method 'nothing' (ArgumentError)",
        ),
        (JOB + "wrong", {"kind": "empty"}, "1: wrong number of arguments (given 0, expected 1..2) (ArgumentError)"),
        (JOB + "other_failure", {"kind": "load"}, "1: cannot load such file -- no_such_library (LoadError)"),
        (JOB + "other_failure", {"kind": "stack"}, "1: stack level too deep (SystemStackError)"),
        (JOB + "other_failure", {"kind": "bytes"}, "1: \ufffd! (RuntimeError)"),
        ("Deep::Er::Explosive.run", {}, "1: boom (RuntimeError)"),
    ],
)
def test_failures(project: Path, command: str, options: dict[str, Any], said: str) -> None:
    found = message(project, "rb", command, {"require": "lib/tasks", **options})
    assert found.split("\n\tfrom ")[0] == f"Ruby command failed with code {said}"


def test_a_subtask_that_is_no_json(project: Path) -> None:
    found = message(project, "rb", JOB + "wrong", {"require": "lib/tasks", "kind": "nan"})
    assert found.startswith("Ruby command failed with code 1: Parameters must be serializable using JSON: ")
    assert "(ArgumentError)" in found.splitlines()[0]


@pytest.mark.parametrize(
    ("command", "options", "printed"),
    [
        ("nothing", {}, "undefined method"),
        ("No::Such.method", {}, "uninitialized constant No (NameError)"),
        ("lower.method", {}, "wrong constant name lower (NameError)"),
        (JOB + "nothing", {}, "undefined method"),
        (JOB + "hidden", {}, "undefined method"),
        ("part", {}, "Method 'part' requires parameter 'number' but not set (ArgumentError)"),
        (JOB + "of_class", {}, f"Method '{JOB}of_class' requires parameter 'text' but not set (ArgumentError)"),
        (JOB + "arguments", {"a": 1, "d": 2}, f"Method '{JOB}arguments' requires parameter 'k' but not set"),
        ("Deep::Er::Picky.run", {}, "Method 'Deep::Er::Picky.new' requires parameter 'must' but not set"),
        ("hello", {"require": "no/such"}, "cannot load such file -- no/such (LoadError)"),
        (JOB + "leave", {"code": 0}, ""),
        (JOB + "leave", {"code": 3}, ""),
        (JOB + "abort", {}, ""),
        (JOB + "broken", {}, "Infinity not allowed in JSON"),
    ],
)
def test_what_ends_ruby_before_it_writes_its_result(
    project: Path, command: str, options: dict[str, Any], printed: str
) -> None:
    task = call(project, "rb", command, {"require": "lib/tasks", **options})
    with pytest.raises(Exception, match=r"^java.nio.file.NoSuchFileException: .*/output.json$"):
        asyncio.run(task.run())
    assert printed in "".join(task.output)


def test_what_ended_ruby_is_in_the_advice(project: Path) -> None:
    failure = error(project, "rb", JOB + "abort", {"require": "lib/tasks"})
    assert failure.error_message.endswith("/output.json (runtime)")
    assert failure.hint is not None
    assert "137" in failure.hint


@pytest.mark.parametrize(
    ("command", "options", "said"),
    [
        (["a"], {}, "Expected string type for key '_command' but got [\"a\"] (array) (config)"),
        (None, {}, "Parameter 'script' is required but not set (config)"),
        ("hello", {"rb": 1}, "Parameter 'rb' must be an object (config)"),
        ("hello", {"ruby": 3}, "Invalid ruby: 3 (config)"),
        ("hello", {"ruby": None}, "Invalid ruby: null (config)"),
        ("hello", {"ruby": {"path": "x"}}, "Invalid ruby:  (config)"),
        (
            "hello",
            {"require": ["a"]},
            "Expected [reference type, class com.google.common.base.Optional<java.lang.String><[simple type, class "
            "java.lang.String]>] for key 'require' but got [\"a\"] (array) (config)",
        ),
        ("hello", {"_env": {"a-b": 1}}, "Invalid _env key name: a-b (config)"),
        (
            "hello",
            {"ruby": "no-such-ruby"},
            'java.io.IOException: Cannot run program "no-such-ruby" (in directory "P"): '
            "error=2, No such file or directory (runtime)",
        ),
    ],
)
def test_other_failures(project: Path, command: Any, options: dict[str, Any], said: str) -> None:
    assert message(project, "rb", command, options) == said


@pytest.mark.parametrize("ruby", ["ruby", ["ruby", "-W0", "-rset"]])
def test_the_interpreter(project: Path, ruby: Any) -> None:
    (project / "show.rb").write_text("def show = puts($VERBOSE.inspect, $LOADED_FEATURES.any?(/\\/set\\.rb/))\n")
    for options, params in (({"ruby": ruby}, {}), ({}, {"rb": {"ruby": ruby, "require": "show"}})):
        task, _ = ran(
            project, "show", {"require": "show", **options} if options else {"require": "show"}, params=params
        )
        assert task.lines[0] == ("false" if ruby == "ruby" else "nil")


def test_the_command_line(project: Path) -> None:
    tool = project / "tool"
    tool.write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\nshift 9\necho '{}' > \"$1\"\n")
    tool.chmod(0o755)
    words = ran(project, "a.b", {"ruby": [str(tool), "-w"]})[0].lines
    assert words[:6] == ["-w", "-I", str(project), "-r", "lib/tasks", "--"]
    assert [Path(word).name for word in words[6:]] == ["runner.rb", "a.b", "input.json", "output.json"]
    assert all(word.startswith(".digdag/tmp/digdag-rb-7-") for word in words[6:] if word != "a.b")


SCRIPT = """\
require "json"
params = JSON.parse(File.read(ARGV[0]))["params"]
puts "inline #{params["n"]} #{ARGV.length}"
File.write(ARGV[1], JSON.generate(store_params: { m: params["n"] + 1 }, subtask_config: { "+sub": { "echo>": "x" } }))
"""


def test_a_script_reads_and_writes_the_files_itself(project: Path) -> None:
    task, result = ran(project, None, {"script": SCRIPT, "n": 5})
    assert task.lines == ["inline 5 2"]
    assert result == OperatorResult(store={"m": 6}, subtasks={"+sub": {"echo>": "x"}})


@pytest.mark.parametrize(
    ("written", "code", "said"),
    [
        ('{"store_params": 5}', 0, "Parameter 'store_params' must be an object (config)"),
        ("{}", 1, "Ruby command failed with code 1 (runtime)"),
        ('{"error": {"class": "C"}}', 2, "Ruby command failed with code 2 (C) (runtime)"),
        ('{"error": {"message": "m", "backtrace": ["a", "b"]}}', 1, "Ruby command failed with code 1: m\n\tfrom a\n"),
        ("[]", 1, "Ruby command failed with code 1 (runtime)"),
        ("", 1, "Ruby command failed with code 1 (runtime)"),
        ("{", 1, "com.fasterxml.jackson.core.io.JsonEOFException: "),
        ("", 0, "com.fasterxml.jackson.databind.exc.MismatchedInputException: "),
    ],
)  # fmt: skip
def test_what_a_script_writes(project: Path, written: str, code: int, said: str) -> None:
    script = f"File.write(ARGV[1], '{written}')\nexit {code}\n"
    assert message(project, "rb", None, {"script": script}).startswith(said)


def test_cancelling_ends_ruby_and_cleans_up(project: Path) -> None:
    (project / "slow.rb").write_text("def slow\n  File.write('pid', \"#{Process.pid}\\n\")\n  sleep 60\nend\n")

    async def cancel() -> None:
        task = asyncio.create_task(call(project, "rb", "slow", {"require": "slow"}).run())
        while not (project / "pid").exists() or not (project / "pid").read_text().endswith("\n"):
            assert not task.done()
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    with pytest.raises(ProcessLookupError):
        os.kill(int((project / "pid").read_text()), 0)
    assert list((project / ".digdag" / "tmp").iterdir()) == []
