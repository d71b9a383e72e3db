"""Tables on disk: the same numbers are the same bytes, and come back as they were."""

import numpy as np
import pandas as pd
import pytest

from decidua import marks, results, tables


@pytest.fixture
def table():
    return results.frame(
        [
            results.row(analysis="a", quantity="rate", estimate=1 / 3, numerator=1, denominator=3),
            results.not_estimable("nobody", analysis="a", quantity="rate"),
        ]
    )


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_results_table_comes_back_typed(table, tmp_path, ending):
    path = tmp_path / f"t.{ending}"
    tables.write(table, path)
    pd.testing.assert_frame_equal(tables.read(path), table, check_exact=False, rtol=1e-11)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_the_same_table_is_the_same_bytes(table, tmp_path, ending):
    paths = [tmp_path / f"{name}.{ending}" for name in "ab"]
    for path in paths:
        tables.write(table.copy(), path)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_a_number_that_differs_in_its_last_bits_is_the_same_text(tmp_path):
    for name, value in (("a", 0.1 + 0.2), ("b", 0.3)):
        tables.write(pd.DataFrame({"x": [value]}), tmp_path / f"{name}.csv")
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_another_ending_is_refused(table, tmp_path):
    with pytest.raises(ValueError, match=r"\.parquet or \.csv"):
        tables.write(table, tmp_path / "t.xlsx")


def test_an_unknown_column_of_a_results_row_is_an_error():
    with pytest.raises(KeyError, match="pvalue"):
        results.row(pvalue=0.5)


def test_a_matrix_keeps_genes_and_samples(tmp_path):
    matrix = pd.DataFrame(
        {"s1": [1, 2], "s2": [3, 4]}, index=pd.Index(["g1", "g2"], name="gene"), dtype="int32"
    )
    tables.write_matrix(matrix, tmp_path / "m.parquet")
    pd.testing.assert_frame_equal(tables.read_matrix(tmp_path / "m.parquet"), matrix, check_index_type=False)


@pytest.mark.parametrize(("genes", "samples"), [(5, 3), (16, 2), (1, 1), (0, 2), (7, 1)])
def test_a_matrix_in_arrows_format_is_the_same_bytes_and_comes_back_whole(tmp_path, genes, samples):
    values = np.arange(genes * samples, dtype=np.int32).reshape(genes, samples)
    names = pd.Index([f"{i}0" for i in range(samples)], name="sample")
    matrix = pd.DataFrame(values, index=pd.Index([f"G{i}" for i in range(genes)], dtype="str"), columns=names)
    paths = [tmp_path / f"{name}.arrow" for name in "ab"]
    for path, same in zip(
        paths, (matrix, pd.DataFrame(np.asfortranarray(values), matrix.index, names)), strict=True
    ):
        tables.write_matrix(same, path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    read = tables.read_matrix(paths[0])
    pd.testing.assert_frame_equal(read, matrix, check_names=False)
    assert read.index.name == "gene" and set(read.dtypes) == {np.dtype("int32")}


def test_a_matrix_of_several_batches_comes_back_whole_and_owns_its_memory(tmp_path):
    import pyarrow as pa

    expected = np.random.default_rng(1).integers(0, 2**31, (25_000, 31), dtype=np.int32)
    names = [f"s{j}" for j in range(31)]
    genes = pa.chunked_array([[f"G{i}" for i in range(0, 9_000)], [f"G{i}" for i in range(9_000, 25_000)]])
    columns = [pa.chunked_array([expected[:9_000, j], expected[9_000:, j]]) for j in range(31)]
    table = pa.table([genes, *columns], names=["gene", *names])
    with pa.ipc.new_file(tmp_path / "chunks.arrow", table.schema) as writer:
        writer.write_table(table)
    matrix = pd.DataFrame(expected, index=pd.Index(genes.to_pandas(), name="gene"), columns=names)
    tables.write_matrix(matrix, tmp_path / "whole.arrow")
    assert pa.ipc.open_file(pa.memory_map(str(tmp_path / "whole.arrow"))).num_record_batches == 1
    for name in ("chunks.arrow", "whole.arrow"):
        read = tables.read_matrix(tmp_path / name)
        other = [np.full(40_000, 7, dtype=np.int32) for _ in range(200)]  # takes memory that was let go
        assert np.array_equal(read.to_numpy(), expected), name
        assert len(other) == 200 and read.to_numpy().base.flags.owndata


def test_a_table_carries_the_cautions_of_its_job_in_every_row_once(table, tmp_path):
    curve = pd.DataFrame({"fpr": [0.25, 1.0], "tpr": [0.5, 1.0]})
    nearly = marks.nearly_tied(0.8642)
    assert nearly.startswith("Batch nearly tied to class (Cramér's V 0.86): ")
    with marks.carrying(marks.joined([marks.SIMULATION, nearly])):
        for _ in range(2):  # written, read, and written again by a later job
            tables.write(table, tmp_path / "t.csv")
            tables.write(curve, tmp_path / "c.csv")
            tables.write(results.cautioned(table, nearly), tmp_path / "again.csv")
    assert (tmp_path / "t.csv").read_bytes() == (tmp_path / "again.csv").read_bytes()
    assert pd.read_csv(tmp_path / "t.csv")["reason"].tolist() == [nearly, f"{nearly}; nobody"]
    assert pd.read_csv(tmp_path / "c.csv")["caution"].tolist() == [nearly, nearly]
    pd.testing.assert_frame_equal(tables.read(tmp_path / "c.csv"), curve)
    pd.testing.assert_frame_equal(tables.read(tmp_path / "t.csv"), table, check_exact=False, rtol=1e-11)
    assert marks.carried() == ""


def test_where_there_are_several_studies_a_caution_names_its_own():
    text = marks.named(marks.joined([marks.SIMULATION, marks.TIED_BATCH]), "second")
    assert text == f"{marks.SIMULATION}; {marks.TIED_BATCH} (study second)"
    assert marks.of_the_row(f"{marks.cautions(text)}; too few") == "too few"
