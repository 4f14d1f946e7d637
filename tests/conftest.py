"""What all tests share."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

SETTINGS = (
    "DIGDAG_CONFIG", "DIGDAG_CONFIG_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "NO_COLOR", "FORCE_COLOR", "COLUMNS",
    "LINES",
)  # fmt: skip

settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.fixture(scope="session", autouse=True)
def own_surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the settings, the secrets, the time zone and the terminal of the person who runs the tests out of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("TZ", "UTC")
        for name in SETTINGS:
            patch.delenv(name, raising=False)
        time.tzset()
        yield
    time.tzset()
