"""A workflow file's top-level keys (core 3)."""

from __future__ import annotations

from pathlib import Path

from .config import Config, position_of
from .convert import mismatch, optional_type, read_map
from .definition import WorkflowDefinition
from .errors import ConfigError, DigdagError, Position
from .names import ModelValidationError, did_you_mean, top_level_task_name_failures, workflow_name_failures
from .zones import zone_id

SECTIONS = ("schedule", "sla", "_error", "_check", "_retry", "_parallel")
"""The keys that a workflow may have beside `timezone`, `_export` and its tasks, in the order in which they are kept."""


def read_workflow(name: str, path: Path, config: Config) -> WorkflowDefinition:
    """The workflow that a loaded file defines.

    Args:
        name: the workflow's name; for a called file its path in the project without `.dig`.

    Raises:
        ConfigError: a key is not valid or not known.
        ModelValidationError: the workflow or a task has no valid name.
    """
    workflow, errors = examine(name, path, config)
    if errors:
        raise errors[0]
    return workflow


def examine(name: str, path: Path, config: Config) -> tuple[WorkflowDefinition, list[DigdagError]]:
    """The workflow that the valid keys of a file define, and everything wrong with the others, in Digdag's order."""
    errors: list[DigdagError] = []
    timezone = "UTC"
    kept: list[str] = []
    try:
        timezone = _timezone(config)
    except ConfigError as error:
        errors.append(error)
    try:
        kept += ["_export"] if read_map(config, "_export", {}) else []
    except ConfigError as error:
        errors.append(error)
    tasks = [key for key in config if key[:1] == "+"]
    for key in (*SECTIONS, *tasks):
        if config.get(key) is not None:
            kept.append(key)
        elif key in config:
            hint = "write {} for an empty task" if key[:1] == "+" else "give it a value or remove it"
            message = f"Parameter '{key}' is required but null"
            errors.append(ConfigError(message, position=position_of(config, key), hint=hint))
    known = {"timezone", "_export", *SECTIONS, *tasks}
    unknown = [key for key in config if key not in known]
    if unknown:
        message = f"Workflow '{name}' includes unknown keys: [{', '.join(unknown)}]"
        hint = _unknown_key_hint(unknown[0])
        errors.append(ConfigError(message, position=position_of(config, unknown[0]), hint=hint))
    failures = [failure for key in tasks for failure in top_level_task_name_failures(key, position_of(config, key))]
    failures += workflow_name_failures(name, Position(name + ".dig", 1, 1))
    if failures:
        errors.append(ModelValidationError("workflow", failures))
    positions = {key: config.positions[key] for key in kept if key in config.positions}
    sections = Config({key: config[key] for key in kept}, positions)
    return WorkflowDefinition(name, path, timezone, sections), errors


def _timezone(config: Config) -> str:
    value = config.get("timezone")
    if value is None:
        return "UTC"
    if isinstance(value, str) or type(value) is int:
        text = str(value).strip()
        try:
            return zone_id(text) if text else "UTC"
        except ConfigError as error:
            raise mismatch(config, "timezone", optional_type("java.time.ZoneId"), error.hint) from error
    hint = "a zone is text such as Asia/Tokyo"
    raise mismatch(config, "timezone", optional_type("java.time.ZoneId"), hint)


def _unknown_key_hint(key: str) -> str:
    near = did_you_mean(key, ("timezone", "_export", *SECTIONS))
    if near:
        return near
    if key.endswith(">"):
        return "put the operator in a task such as `+run:`"
    return f"write +{key}: for a task, or put a param in _export"
