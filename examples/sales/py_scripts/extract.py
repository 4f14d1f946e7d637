"""Finds what the shops have sent."""

from pathlib import Path

import digdag


def find(data):
    """Store `shops`, their names, and `files`, from a shop to its CSV file."""
    files = {path.stem: str(path) for path in sorted(Path(data).glob("*.csv"))}
    if not files:
        raise FileNotFoundError(f"no CSV file in {data}")
    digdag.env.store(shops=list(files), files=files)
    print(f"{len(files)} files: {', '.join(files)}")
