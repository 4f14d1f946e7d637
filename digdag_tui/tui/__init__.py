"""The Textual app."""

import os

FRAMES = "TEXTUAL_FPS"
"""How often a second Textual may paint. What a key changes waits for that: up to 17 ms with its own 60."""

if FRAMES not in os.environ:
    os.environ[FRAMES] = "240"
    import textual.constants  # noqa: F401

    del os.environ[FRAMES]  # tasks have the environment that we were given
