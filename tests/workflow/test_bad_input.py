"""Bad input stops the run with plain lines before anything is written."""

import gzip

import pytest
import yaml

from running import snakemake

HEADER = "Woman,Cause,Age,BMI,Losses,NK,Lysis50,Th1Th2,Outcome\n"
GOOD = [
    f"w{i},{'found' if i % 2 else 'none'},{25 + i % 12},22.5,{2 + i % 4},0.1{i % 9},{20 + i % 30},"
    f"{20 + i % 30}," + ("LB\n" if i % 3 else "MC\n")
    for i in range(40)
]


def clinic(folder, rows=GOOD, header=HEADER):
    """Run the table config in a folder whose women.csv holds these rows."""
    folder.mkdir()
    (folder / "women.csv").write_text(header + "".join(rows), encoding="utf-8")
    return snakemake(folder, config="table.yaml")


def refused(run, *lines):
    """The run stopped, said each of these lines, showed no traceback and wrote nothing."""
    assert run.status != 0
    for line in lines:
        assert line in run.text, run.text
    assert "Traceback" not in run.text
    assert not (run.folder / "results").exists()


def test_a_clinics_table_runs_to_the_report(tmp_path):
    run = clinic(tmp_path / "good", [*GOOD, "w98,found,30,22,2,0.1,20,20,LOST\n"])
    assert run.status == 0, run.text
    assert "A clinic" in (run.results / "open/report.html").read_text()
    flow = (run.results / "open/cohorts/clinic/enrolment_flow.csv").read_text().splitlines()
    assert flow[1:4] == [
        "1,Assessed for eligibility,41,assessed,False",
        "2,Lost to follow-up,1,excluded,False",
        "3,Included,40,included,False",
    ]


def test_a_table_without_groups_or_history_still_gets_its_report(tmp_path):
    folder = tmp_path / "few columns"
    folder.mkdir()
    columns = {
        "id": "Woman",
        "nk_level": "NK%",
        "th1_th2": "Ratio",
        "nk_cytotoxicity_50_1": "Lysis",
        "age": "Age",
    }
    rows = "".join(f"w{i},{10 + i},{30 + i},{25 + i},3{i}\n" for i in range(4))
    (folder / "women.csv").write_text("Woman,NK%,Ratio,Lysis,Age\n" + rows)
    clinic = {"title": "Few columns", "source": "table", "file": "women.csv", "columns": columns}
    clinic["panel"] = "tests/configs/clinic_panel.yaml"
    config = {
        "cohorts": {"han2025": None, "clinic": clinic},
        "papers": {"han2025": None, "andersen2025": None},
    }
    config |= {"studies": {"endometrium": None}, "prediction": {"resamples": 20, "repeats": 1}}
    (folder / "few.yaml").write_text(yaml.safe_dump(config))
    run = snakemake(folder, config=folder / "few.yaml")
    assert run.status == 0, run.text
    page = (run.results / "open/report.html").read_text()
    assert "not estimable" in page and "4 of 4 women were included" in page


def test_a_config_without_a_version_says_so(tmp_path):
    folder = tmp_path / "bare"
    folder.mkdir()
    (folder / "config.yaml").write_text("cohorts: {}\n")
    refused(snakemake(folder), "config: version: found nothing; expected this key to be given")


def test_every_wrong_cell_of_a_table_is_named_at_once(tmp_path):
    rows = [*GOOD[:38], "w38,found,abc,22,2,0.1,20,3620,LB\n", "w37,maybe,31,22,2.5,12,20,20,SB\n"]
    refused(
        clinic(tmp_path / "bad", rows),
        "women.csv, row 40, column Age: found 'abc'; expected a number",
        "women.csv, row 40, column Th1Th2: found '3620'; expected 0 to 500 ratio",
        "women.csv, row 41, column Cause: found 'maybe'; expected one of found, none",
        "women.csv, row 41, column Losses: found '2.5'; expected a whole number",
        "women.csv, row 41, column NK: found '12' (1200); expected 0 to 100 % of lymphocytes",
        "women.csv, row 41, column Outcome: found 'SB'; expected one of LB, MC",
        "women.csv, column Woman: found the id 'w37' in rows 39, 41; expected each id once",
    )


def test_a_column_that_the_table_lacks_is_named(tmp_path):
    refused(
        clinic(tmp_path / "bad", header=HEADER.replace("Losses", "Miscarriages")),
        "women.csv, row 1: found no column 'Losses'; expected a column of the file, such as",
    )


def test_a_missing_file_is_named_by_its_key(tmp_path):
    refused(
        snakemake(tmp_path / "empty", config="table.yaml"),
        "config: cohorts.clinic.file: found 'women.csv', which is not there; expected the path of a file",
    )


def test_an_unknown_key_is_named(tmp_path):
    folder = tmp_path / "typo"
    folder.mkdir()
    (folder / "typo.yaml").write_text("cohorts: {han2025: {scenaro: A}}\nclassifier: {folds: many}\n")
    refused(
        snakemake(folder, config=folder / "typo.yaml"),
        "config: cohorts.han2025.scenaro: found an unknown key; expected one of analysis, panel, paper,",
        "config: classifier.folds: found 'many'; expected a whole number",
    )


SHEET = "sample\tlabel\n" + "".join(f"s{i}\t{'case' if i < 6 else 'control'}\n" for i in range(12))


def matrix(cell="5", gene="g1", samples=12):
    names = "\t".join(f"s{i}" for i in range(samples))
    body = "".join(
        f"g{g}\t" + "\t".join(str(10 + g + i) for i in range(samples)) + "\n" for g in range(2, 60)
    )
    return f"gene\t{names}\n{gene}\t" + "\t".join(["7"] * (samples - 1) + [cell]) + "\n" + body


def study(folder, counts, sheet=SHEET, folds=3, **columns):
    folder.mkdir()
    with gzip.open(folder / "counts.tsv.gz", "wt") as handle:
        handle.write(counts)
    (folder / "samples.tsv").write_text(sheet)
    config = {
        "cohorts": {"han2025": None},
        "papers": {"han2025": None, "andersen2025": None},
        "studies": {
            "endometrium": None,
            "mine": {
                "title": "Mine",
                "source": "counts",
                "counts": "counts.tsv.gz",
                "samples": "samples.tsv",
                "columns": {"sample": "sample", "label": "label", **columns},
                "label": {"case": ["case"], "control": ["control"]},
            },
        },
        "classifier": {"repeats": 1, "penalties": 3, "folds": folds, "inner_folds": 2},
    }
    (folder / "study.yaml").write_text(yaml.safe_dump(config))
    return snakemake(folder, config=folder / "study.yaml")


def test_a_small_study_runs_and_says_that_it_is_too_small(tmp_path):
    run = study(tmp_path / "good", matrix())
    assert run.status == 0, run.text
    assert "too small for a claim" in (run.results / "open/report.html").read_text()


@pytest.mark.parametrize(
    ("counts", "sheet", "folds", "line"),
    [
        (
            matrix(cell="-5"),
            SHEET,
            3,
            "counts.tsv.gz, row g1, column s11: found -5; expected a whole number of reads, 0 or more",
        ),
        (
            matrix(cell="5.5"),
            SHEET,
            3,
            "counts.tsv.gz, row g1, column s11: found 5.5; expected a whole number",
        ),
        (
            matrix(gene="g2"),
            SHEET,
            3,
            "counts.tsv.gz, row g2: found 2 rows of this gene; expected one row a gene",
        ),
        (
            matrix(),
            SHEET.replace("s11\t", "s99\t"),
            3,
            "samples.tsv: found no row for s11; expected a row for each",
        ),
        (
            matrix(),
            SHEET.replace("control", "case"),
            3,
            "samples.tsv: found 12 case samples and no other; expected cases and controls",
        ),
        (matrix(), SHEET, 7, "samples.tsv: found 6 case and 6 control samples; expected at least 7 of each"),
    ],
    ids=["negative", "fraction", "repeated gene", "no match", "one class", "fewer samples than folds"],
)
def test_counts_and_sheets_that_cannot_be_used_are_refused(tmp_path, counts, sheet, folds, line):
    refused(study(tmp_path / "bad", counts, sheet, folds), line)


def test_a_batch_tied_to_class_is_refused(tmp_path):
    sheet = "\n".join(f"{line}\t{'run' if i == 0 else i > 6}" for i, line in enumerate(SHEET.splitlines()))
    refused(
        study(tmp_path / "tied", matrix(), sheet + "\n", batch="run"),
        "samples.tsv, column run: found every batch with samples of one class only (False: 6 case; True: 6"
        " control); expected batches that hold cases and controls",
    )
