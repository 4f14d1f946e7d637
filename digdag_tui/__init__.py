"""digdag-tui: a visual debugger for Digdag workflows."""

__version__ = "0.1.0"
