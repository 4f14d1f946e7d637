"""Workflow files: YAML with source positions, the task tree, compile problems, schedules and session times."""
