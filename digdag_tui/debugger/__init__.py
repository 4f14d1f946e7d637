"""The debugger: one `Session` that every face drives, with stepping, edits, rewinding and reloading."""
