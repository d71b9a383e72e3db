"""Is a downloaded file the one that was meant?"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from decidua.errors import InputError, Problem
from decidua.provenance import sha256

#: Seconds without a byte after which a server is given up.
PATIENCE = 60


def require_checksum(path: str | Path, expected: str) -> None:
    """Refuse a file whose SHA-256 is another.

    Raises:
        InputError: both checksums and the size of the file, which tells a truncated one.
    """
    found = sha256(path)
    if found != expected.lower():
        size = Path(path).stat().st_size
        raise InputError(
            Problem(
                f"SHA-256 {found} ({size} bytes)",
                f"{expected.lower()}, as `sha256` states: the file is another one, or not whole",
                Path(path).name,
            )
        )


def without_secrets(url: str) -> str:
    """A URL without user, password, query and fragment, any of which may hold a key."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def is_url(source: Any) -> bool:
    """Whether a file of the settings is one to download."""
    return isinstance(source, Mapping)


def give_up_on_silence(seconds: float = PATIENCE) -> None:
    """Let every download of this process fail after so many seconds without a byte.

    Snakemake's http storage asks `requests` without a time limit: it would wait for a silent server for ever.
    """
    import requests

    send = requests.Session.send

    def patient(session, request, **options):
        options["timeout"] = options.get("timeout") or seconds
        return send(session, request, **options)

    requests.Session.send = patient
