"""How does a file appear under its name only when it is whole?"""

import glob
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole(*paths: str | Path) -> Iterator[list[Path]]:
    """Places to write to, one a path; when the block ends well, each takes its path's name.

    If the block fails (a full disk, say), no path is touched and no part is left. A process that is killed
    can leave a part behind, never a file that looks finished; the next writer of the path removes it. Parts
    carry the process's number, so that a job whose Snakemake was killed and its successor write apart.

    Args:
        paths: the files to be made, in folders that exist.
    """
    targets = [Path(path) for path in paths]
    parts = [path.with_name(f".{path.stem}.part{os.getpid()}{path.suffix}") for path in targets]
    for path in targets:
        for left_behind in path.parent.glob(f".{glob.escape(path.stem)}.part*{path.suffix}"):
            left_behind.unlink(missing_ok=True)
    try:
        yield parts
        for part, target in zip(parts, targets, strict=True):
            part.replace(target)
    finally:
        for part in parts:
            part.unlink(missing_ok=True)


def write_text(text: str, path: str | Path) -> None:
    """Write UTF-8 text with its own line ends, whole or not at all."""
    with whole(path) as (part,):
        part.write_text(text, encoding="utf-8", newline="\n")
