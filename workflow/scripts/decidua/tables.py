"""How are tables read and written, so that the same numbers are always the same bytes?"""

from pathlib import Path

import numpy as np
import pandas as pd

from decidua import marks, results
from decidua.files import whole

#: 12 significant digits: more than any reader needs, fewer than differ between processors.
FLOAT_FORMAT = "%.12g"
#: Where a table that is none of results carries cautions about the whole study.
CAUTION = "caution"


def write(table: pd.DataFrame, path: str | Path) -> None:
    """Write a table, without its index, as Parquet or CSV by the path's ending, whole or not at all.

    A CSV, which people read, says in each row the cautions about the study that the job at hand carries
    (`marks.carrying`): a results table before the reason, any other in a column of its own, `CAUTION`.
    """
    kind = Path(path).suffix
    if kind not in (".parquet", ".csv"):
        raise ValueError(f"{path}: tables are written as .parquet or .csv")
    with whole(path) as (part,):
        if kind == ".parquet":
            table.to_parquet(part, index=False, engine="pyarrow", compression="zstd")
        else:
            table = _cautioned(table, marks.carried())
            table.to_csv(part, index=False, float_format=FLOAT_FORMAT, lineterminator="\n", encoding="utf-8")


def _cautioned(table: pd.DataFrame, caution: str) -> pd.DataFrame:
    if list(table.columns) == results.NAMES:
        return results.cautioned(table, caution)
    return table.assign(**{CAUTION: caution}) if caution else table


def read(path: str | Path) -> pd.DataFrame:
    """Read a table that `write` wrote; results tables get their types back.

    What `write` added for the whole study is taken off: whoever reads on carries it by its own mark.
    """
    path = Path(path)
    if path.suffix == ".parquet":
        return pd.read_parquet(path, engine="pyarrow")
    table = pd.read_csv(path, keep_default_na=False, na_values=[""])
    if list(table.columns) == results.NAMES:
        table = table.astype(results.DTYPES)
        reasons = table["reason"].map(marks.of_the_row, na_action="ignore").replace("", pd.NA)
        return table.assign(reason=reasons.astype("string"))
    return table.drop(columns=CAUTION, errors="ignore")


def write_matrix(matrix: pd.DataFrame, path: str | Path) -> None:
    """Write genes x samples, samples as columns after a first column of genes.

    Args:
        path: .parquet, which is small; or .arrow, Arrow's own format without compression (Feather to R),
            which opens in milliseconds.
    """
    if Path(path).suffix != ".arrow":
        write(matrix.rename_axis("gene").reset_index(), path)
        return
    import pyarrow as pa

    columns = [np.ascontiguousarray(matrix.to_numpy()[:, j]) for j in range(matrix.shape[1])]
    genes = pa.array(matrix.index.astype(str).to_numpy(dtype=object), pa.string())
    table = pa.table([genes, *columns], names=["gene", *map(str, matrix.columns)])
    with whole(path) as (part,), pa.ipc.new_file(part, table.schema) as writer:
        writer.write_table(table)


def read_matrix(path: str | Path) -> pd.DataFrame:
    """Read what `write_matrix` wrote."""
    if Path(path).suffix != ".arrow":
        return read(path).set_index("gene")
    import pyarrow as pa

    table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
    genes = pd.Index(table.column(0).to_pandas(), name="gene")
    # One copy into memory of its own: views of a column of several chunks would be of copies that are gone.
    values = np.stack([column.to_numpy() for column in table.columns[1:]]).T
    samples = pd.Index(table.column_names[1:], dtype=genes.dtype)
    return pd.DataFrame(values, index=genes, columns=samples, copy=False)
