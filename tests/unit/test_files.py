"""A file appears under its name when it is whole, and not before."""

import subprocess
import sys
from pathlib import Path

import pytest

from decidua import files


def test_files_appear_together_when_the_block_ends(tmp_path):
    targets = [tmp_path / "a.csv", tmp_path / "b.csv"]
    with files.whole(*targets) as parts:
        for part in parts:
            part.write_text("x")
        assert not [target for target in targets if target.exists()]
    assert {path.name for path in tmp_path.iterdir()} == {"a.csv", "b.csv"}


def test_a_failure_touches_nothing_and_leaves_nothing(tmp_path):
    target = tmp_path / "a.csv"
    target.write_text("before")
    with pytest.raises(OSError, match="disk full"), files.whole(target) as (part,):
        part.write_text("ha")
        raise OSError("disk full")
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"] and target.read_text() == "before"


@pytest.mark.skipif(sys.platform == "win32", reason="no limits of resources there")
def test_a_disk_that_fills_up_while_a_table_is_written_leaves_no_table(tmp_path):
    code = (
        "import resource, signal, sys, pandas as pd; sys.path.insert(0, sys.argv[1])\n"
        "from decidua import tables\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "tables.write(pd.DataFrame({'x': range(5000)}), sys.argv[2])"
    )
    library = Path(files.__file__).parents[1]
    for name in ("t.csv", "t.parquet"):
        done = subprocess.run(
            [sys.executable, "-c", code, library, tmp_path / name], capture_output=True, text=True
        )
        assert done.returncode != 0 and "OSError" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_writer_left_is_gone_after_the_next(tmp_path):
    target = tmp_path / "a.csv"
    (tmp_path / ".a.part123.csv").write_text("half")
    files.write_text("whole\n", target)
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_the_part_of_another_file_stays(tmp_path):
    other = tmp_path / ".ab.part123.csv"
    other.write_text("half")
    files.write_text("whole\n", tmp_path / "a.csv")
    assert other.exists()


def test_text_has_its_own_line_ends(tmp_path):
    files.write_text("a\nb\n", tmp_path / "t.txt")
    assert (tmp_path / "t.txt").read_bytes() == b"a\nb\n"
