"""Real containers for tests: a podman with settings of its own, and an image made of Debian's packages.

All is kept in a folder of the system's temporary files, so that only the first run makes the image.
"""

from __future__ import annotations

import fcntl
import os
import platform
import subprocess
import tempfile
from hashlib import sha1
from pathlib import Path
from shutil import which

PROGRAMS = ("podman", "runc", "mmdebstrap")
PACKAGES = "dash,coreutils,python3-minimal,libpython3-stdlib,ruby"
LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*")
SOURCES = (Path("/etc/apt/sources.list"), Path("/etc/apt/sources.list.d/debian.sources"))
IMAGE = f"digdag-tui-test:{sha1(PACKAGES.encode()).hexdigest()[:8]}"

ENGINE = """\
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
netns = "host"

[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
"""

STORAGE = """\
[storage]
driver = "{driver}"
graphroot = "{folder}/storage"
runroot = "{folder}/run"
"""


class Unavailable(Exception):
    """No container can run on this machine; the message says why."""


def prepare() -> dict[str, str]:
    """The environment in which `podman` has `IMAGE` and runs it, made when it is not there.

    Raises:
        Unavailable: it cannot be made here.
    """
    missing = [program for program in PROGRAMS if which(program) is None]
    if missing:
        raise Unavailable(f"containers need {', '.join(missing)}")
    if os.geteuid() != 0:
        raise Unavailable("containers need root here")
    folder = Path(tempfile.gettempdir()) / "digdag-tui-containers"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.geteuid():
        raise Unavailable(f"{folder} is somebody else's")
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            return _with_driver(folder, "overlay")
        except Unavailable:
            return _with_driver(folder, "vfs")


def _with_driver(folder: Path, driver: str) -> dict[str, str]:
    place = folder / driver
    place.mkdir(exist_ok=True)
    engine, storage = place / "containers.conf", place / "storage.conf"
    engine.write_text(ENGINE)
    storage.write_text(STORAGE.format(driver=driver, folder=place))
    environment = {"CONTAINERS_CONF": str(engine), "CONTAINERS_STORAGE_CONF": str(storage)}
    inside = {**os.environ, **environment}
    if subprocess.run(["podman", "image", "exists", IMAGE], env=inside, capture_output=True, timeout=60).returncode:
        _do(["podman", "import", str(_files(folder)), IMAGE], inside)
    _do(["podman", "run", "--rm", IMAGE, "/bin/true"], inside)
    return environment


def _files(folder: Path) -> Path:
    """The image's files, as a tar archive."""
    archive = folder / f"{IMAGE.replace(':', '-')}.tar"
    if not archive.exists():
        new = archive.with_suffix(".new.tar")
        without = [f"--dpkgopt=path-exclude={pattern}" for pattern in LEFT_OUT]
        sources = [str(file) for file in SOURCES if file.is_file() and file.stat().st_size]
        suite = platform.freedesktop_os_release().get("VERSION_CODENAME", "stable")
        _do(["mmdebstrap", "--variant=extract", f"--include={PACKAGES}", *without, suite, str(new), *sources])
        new.rename(archive)
    return archive


def _do(command: list[str], environment: dict[str, str] | None = None) -> None:
    try:
        subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=True)
    except subprocess.SubprocessError as error:
        said = str(getattr(error, "stderr", "")).strip()
        raise Unavailable(f"{command[0]} {command[1]} failed: {said[-500:] or error}") from None
