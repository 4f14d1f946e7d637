"""The debugger as it is, with every exception that nobody sees written to a file: what a soak runs."""

from __future__ import annotations

import faulthandler
import logging
import os
import signal
import sys
import threading
import traceback
from typing import Any

from textual.app import App

from digdag_tui.cli.main import main

TROUBLE = "DIGDAG_TUI_TROUBLE"
"""The variable that names the file."""


def watch_exceptions(path: str) -> None:
    """Write exceptions in threads, in event loops and in finalizers to a file, and at SIGUSR1 what each thread does."""

    def write(text: str) -> None:
        with open(path, "a", encoding="utf-8") as file:
            file.write(text + "\n")

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            write(self.format(record))

    def in_thread(args: threading.ExceptHookArgs) -> None:
        trace = traceback.format_exception(args.exc_type, args.exc_value, args.exc_traceback)
        write(f"in the thread {args.thread and args.thread.name}:\n{''.join(trace)}")

    def unraisable(args: sys.UnraisableHookArgs) -> None:
        trace = traceback.format_exception(args.exc_type, args.exc_value, args.exc_traceback)
        write(f"{args.err_msg} {args.object!r}:\n{''.join(trace)}")

    faulthandler.register(signal.SIGUSR1, open(path, "a"))  # noqa: SIM115
    threading.excepthook = in_thread
    sys.unraisablehook = unraisable
    logging.getLogger("asyncio").addHandler(Handler(logging.ERROR))
    end = App._handle_exception

    def in_app(app: App[Any], error: Exception) -> None:
        write("on the screen:\n" + "".join(traceback.format_exception(error)))
        end(app, error)

    App._handle_exception = in_app  # type: ignore[assignment, method-assign]


if __name__ == "__main__":
    watch_exceptions(os.environ[TROUBLE])
    main()
