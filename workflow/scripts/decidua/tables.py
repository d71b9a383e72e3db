"""How are tables read and written, so that the same numbers are always the same bytes?"""

from pathlib import Path

import pandas as pd

from decidua import results
from decidua.files import whole

#: 12 significant digits: more than any reader needs, fewer than differ between processors.
FLOAT_FORMAT = "%.12g"


def write(table: pd.DataFrame, path: str | Path) -> None:
    """Write a table, without its index, as Parquet or CSV by the path's ending, whole or not at all."""
    kind = Path(path).suffix
    if kind not in (".parquet", ".csv"):
        raise ValueError(f"{path}: tables are written as .parquet or .csv")
    with whole(path) as (part,):
        if kind == ".parquet":
            table.to_parquet(part, index=False, engine="pyarrow", compression="zstd")
        else:
            table.to_csv(part, index=False, float_format=FLOAT_FORMAT, lineterminator="\n", encoding="utf-8")


def read(path: str | Path) -> pd.DataFrame:
    """Read a table that `write` wrote; results tables get their types back."""
    path = Path(path)
    if path.suffix == ".parquet":
        return pd.read_parquet(path, engine="pyarrow")
    table = pd.read_csv(path, keep_default_na=False, na_values=[""])
    if list(table.columns) == results.NAMES:
        return table.astype(results.DTYPES)
    return table


def write_matrix(matrix: pd.DataFrame, path: str | Path) -> None:
    """Write genes x samples as Parquet, samples as columns after a first column of genes."""
    write(matrix.rename_axis("gene").reset_index(), path)


def read_matrix(path: str | Path) -> pd.DataFrame:
    """Read what `write_matrix` wrote."""
    return read(path).set_index("gene")
