"""Projects: the workflow files of a directory (core 3)."""

from __future__ import annotations

import os.path
from collections.abc import Iterator
from pathlib import Path

from .config import Config
from .convert import read_string
from .definition import Project, WorkflowDefinition
from .errors import ConfigError, DigdagError, Problem, ProjectError
from .ignore import Ignore
from .include import load_file
from .names import ModelValidationError
from .sources import FileError, SourceError, shown_path
from .workflow_file import read_workflow

_JAVA_CLASSES = {
    "json mapping": "com.fasterxml.jackson.databind.JsonMappingException",
    "file system": "java.nio.file.AccessDeniedException",
    "stack overflow": "java.lang.StackOverflowError",
}
"""The exceptions behind the kinds of FileError, where it is not an IOException."""


class WorkflowNotFoundError(DigdagError):
    """There is no workflow of that name."""

    kind = "resource not found"


def load_project(directory: Path) -> Project:
    """Load every workflow file directly in `directory`.

    Raises:
        ProjectError: some do not load; it holds the problems of all.
        FileError: a file cannot be read.
    """
    directory = Path(os.path.abspath(directory))
    sources: set[Path] = set()
    workflows: dict[str, WorkflowDefinition] = {}
    lines: list[str] = []
    problems: list[Problem] = []
    for path in workflow_files(directory):
        try:
            workflow = load_workflow(directory, path, sources)
        except FileError:
            raise
        except DigdagError as error:
            lines.append(f"workflow {path} {error.message}")
            problems += problems_of(error)
        else:
            workflows[workflow.name] = workflow
    if problems:
        raise ProjectError("\n".join(["Validating project failed", *lines]), problems)
    return Project(directory, workflows, frozenset(sources))


def workflow_files(directory: Path) -> list[Path]:
    """The workflow files directly in `directory`, by name.

    Raises:
        FileError: it cannot be listed.
    """
    ignore = Ignore.of(directory)
    files = [path for path in _entries(directory) if path.name.endswith(".dig") and path.is_file()]
    return [path for path in files if not ignore.ignores(path.name)]


def load_workflow(directory: Path, path: Path, sources: set[Path] | None = None) -> WorkflowDefinition:
    """Load one workflow file of the project in `directory`, both absolute.

    Raises:
        SourceError, ConfigError, ModelValidationError: it is no workflow.
    """
    return read_workflow(workflow_name(directory, path), path, load_file(path, directory, sources))


def load_called(directory: Path, path: Path) -> WorkflowDefinition:
    """The workflow of a file that `call>` names; one in a subdirectory exports that as `_workdir` (core 7).

    Args:
        path: where the file is, not normalised: a message shows it so.

    Raises:
        SourceError, ConfigError, ModelValidationError: it is not there or no workflow.
    """
    directory = Path(os.path.abspath(directory))
    try:
        workflow = load_workflow(directory, directory / path)
    except FileError as error:
        raise _called_error(directory, path, error) from None
    folder, slash, _ = workflow.name.rpartition("/")
    if not slash:
        return workflow
    export = workflow.config.get("_export", {})
    inner = read_string(export, "_workdir", "")
    exported = Config(export, export.positions if isinstance(export, Config) else {})
    exported["_workdir"] = f"{folder}/{inner}" if inner else folder
    config = Config({"_export": exported, **workflow.config.without("_export")}, workflow.config.positions)
    return WorkflowDefinition(workflow.name, path, workflow.timezone, config)


def find_workflow(project: Project, name: str, *, project_option: str | None = None) -> WorkflowDefinition:
    """The workflow that an argument of `run` names: `main`, or `main.dig` as a path in the project (cli 2.1).

    Args:
        project_option: what `--project` was given.

    Raises:
        WorkflowNotFoundError: there is none.
    """
    if name.endswith(".dig"):
        name = workflow_name(project.directory, Path(os.path.join(project.directory, name)))
    if name in project.workflows:
        return project.workflows[name]
    if project_option is not None:
        raise WorkflowNotFoundError(
            f"Workflow '{name}' does not exist in project directory '{project_option}'.", hint=_names_hint(project)
        )
    folder, slash, _ = name.rpartition("/")
    advice = (
        f'You may need to type "cd {folder}" first, or set "--project {folder}" option.'
        if slash
        else "You may need to change directory first, or set --project option."
    )
    message = f"Workflow '{name}' does not exist in current directory. {advice}"
    raise WorkflowNotFoundError(message, hint=_names_hint(project))


def workflow_name(directory: Path, path: Path) -> str:
    """A file's path in the project, with `/` and without `.dig`."""
    return os.path.relpath(path, directory).replace(os.sep, "/").removesuffix(".dig")


def problems_of(error: DigdagError) -> Iterator[Problem]:
    """What a person is told of an error: one sentence each."""
    match error:
        case ProjectError():
            yield from error.problems
        case ModelValidationError():
            yield from (failure.problem for failure in error.failures)
        case SourceError():
            yield error.problem
        case _:
            yield Problem(error.message, error.position, error.hint)


def _called_error(directory: Path, path: Path, error: FileError) -> ConfigError:
    """What `call>` says of a file that it cannot load."""
    if error.kind in ("no such file", "file not found"):
        hint = error.hint or "call> names a file of the project, with or without .dig"
        return ConfigError(f"File not found: {error.message}", position=error.position, hint=hint)
    name, kind = shown_path(path, directory), _JAVA_CLASSES.get(str(error.kind), "java.io.IOException")
    hint = error.hint or error.summary
    return ConfigError(f"Failed to read file: {name}: class {kind}", position=error.position, hint=hint)


def _names_hint(project: Project) -> str:
    return f"the project has {', '.join(sorted(project.workflows)) or 'no workflows'}"


def _entries(directory: Path) -> list[Path]:
    try:
        return sorted(directory.iterdir())
    except FileNotFoundError:
        raise FileError(str(directory), "no such file", summary=f"Directory does not exist: {directory}") from None
    except NotADirectoryError:
        raise FileError(str(directory), "not directory", summary=f"Not a directory: {directory}") from None
    except OSError as error:
        raise FileError(f"{directory}: {error.strerror}", "file system") from None
