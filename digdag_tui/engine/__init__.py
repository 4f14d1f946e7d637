"""The engine: task states as a fold of events, what may run next, the journal, and the runner."""
