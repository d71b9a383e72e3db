"""Is a downloaded file the one that was meant?"""

from collections.abc import Mapping
from functools import lru_cache, partial
from pathlib import Path
from types import ModuleType, SimpleNamespace
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


def be_careful(plugin: ModuleType, patience: float = PATIENCE) -> None:
    """Let Snakemake's http storage give up on a silent server, ask for a file's date once, print no secrets.

    By itself the plugin waits for ever, asks for the head of each file again and again while jobs run, and
    prints the whole URL.

    Args:
        plugin: the module snakemake_storage_plugin_http.
        patience: seconds without a byte after which a download fails.
    """
    asking = plugin.requests
    plugin.requests = SimpleNamespace(
        get=partial(asking.get, timeout=patience),
        head=lru_cache(partial(asking.head, timeout=patience)),
        codes=asking.codes,
    )
    plugin.StorageProvider.safe_print = lambda self, url: without_secrets(url)
