"""Which genes differ between the classes of a study? A description of its samples, not a classifier.

Every sample and every label is used, so genes chosen here must not be fed to a classifier of these samples.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from decidua import results
from decidua.expression import size_factors
from decidua.learning.performance import CASE

DESEQ2, SCREEN, NONE = "deseq2", "screen", "none"
METHODS = {
    DESEQ2: "Wald test of a negative-binomial model (PyDESeq2)",
    SCREEN: "moderated t-test of log2 normalised counts",
}
#: A gene is tested if as many samples as the smaller class has have at least this many reads.
MIN_COUNT = 10
#: False discovery rate at which genes are counted as different, and which independent filtering aims at.
FDR = 0.05
#: Bars of the histogram of p-values.
BINS = 20
ANALYSIS = "differential expression"
ALL_ZERO, COOKS, LOW_MEAN = "all counts zero", "Cook's distance", "low counts (independent filtering)"
CONSTANT = "values do not vary"
HIGHER, LOWER, P_VALUES = "higher in cases", "lower in cases", "p-values"
TESTED, NOT_TESTED = "genes tested", "genes not tested"
COLUMNS = (
    "gene", "base_mean", "log2_fold_change", "shrunken_log2_fold_change", "standard_error", "statistic", "p",
    "p_adjusted", "reason",
)  # fmt: skip
NOT_FOR_CHOOSING = "tested on all samples: not for choosing genes of a classifier of these samples"


@dataclass(frozen=True)
class Model:
    """Who is compared, and adjusted for what.

    matrix: samples x coefficients with the sample names as index; the column "case" is +1/2 for cases and
    -1/2 for controls, so that exchanging the classes changes signs only. cautions: what a reader should know;
    problem: why the comparison cannot be made, or None.
    """

    matrix: pd.DataFrame
    cautions: list[str] = field(default_factory=list)
    problem: str | None = None
    samples: int = 0

    @property
    def adjusted(self) -> list[str]:
        """The terms beside label and intercept, each once."""
        terms = (column.split(results.OF)[0] for column in self.matrix.columns[2:])
        return list(dict.fromkeys(terms))

    @property
    def counted(self) -> str:
        """Whom the comparison counts."""
        cases = int((self.matrix["case"] > 0).sum())
        text = f"{len(self.matrix)} samples: {cases} cases, {len(self.matrix) - cases} controls"
        left = self.samples - len(self.matrix)
        return text + (f"; {left} left out (a covariate unknown)" if left else "")


@dataclass(frozen=True)
class Differential:
    """The table of genes (`COLUMNS`), the results table that sums it up."""

    genes: pd.DataFrame
    summary: pd.DataFrame


def differential_expression(
    counts: pd.DataFrame, samples: pd.DataFrame, method: str = DESEQ2, adjust: Sequence[str] = ()
) -> Differential:
    """Test every gene for a difference between cases and controls.

    Args:
        counts: genes x samples. samples: sample, label, group, and batch and covariates where there are.
        method: "deseq2" or "screen".
        adjust: covariates of the sheet that the model holds besides the label; a batch is always held.

    Returns:
        Genes in the order of p, then of their name: log2 fold changes (cases over controls), tests, and why a
        number is missing. The order of samples and genes changes nothing; exchanging the classes, signs.
    """
    samples = samples.sort_values("sample", kind="stable", ignore_index=True)
    counts = counts.sort_index()[samples["sample"].tolist()]
    model = comparison(samples, adjust)
    counts = counts[list(model.matrix.index)]
    genes = pd.DataFrame({"gene": counts.index.astype("string")}).reindex(columns=COLUMNS)
    genes = genes.astype({name: "float64" for name in COLUMNS[1:-1]} | {"reason": "string"})
    cautions = list(model.cautions)
    if model.problem:
        genes["reason"] = model.problem
    else:
        factors = size_factors(counts)
        genes["base_mean"] = (counts / factors).mean(axis=1).to_numpy()
        genes["reason"] = _filtered(counts, model)
        kept = genes.index[genes["reason"].isna()]
        if len(kept):
            run = {DESEQ2: _deseq2, SCREEN: _screen}[method]
            try:
                tested, more = run(counts.iloc[kept], factors, model.matrix)
            except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
                # Of a handful of genes the trend of the dispersions may be no number.
                model = replace(model, problem=f"the genes could not be fitted together: {error}")
                genes.loc[kept, "reason"] = model.problem
            else:
                cautions += more
                genes.loc[kept, tested.columns] = tested.to_numpy()
            genes["reason"] = genes["reason"].astype("string")
    genes = genes.sort_values(["p", "gene"], kind="stable", ignore_index=True)
    return Differential(genes, summary(genes, model, method, cautions))


# ---- who is compared


def comparison(samples: pd.DataFrame, adjust: Sequence[str] = ()) -> Model:
    """The design: label, batch where there are several, women where each has both classes, and covariates."""
    samples = samples.set_index("sample")
    absent = [name for name in adjust if name not in samples.columns]
    known = samples[[name for name in adjust if name in samples.columns]].notna().all(axis=1)
    used = samples[known]
    is_case = (used["label"] == CASE).to_numpy(dtype=bool)
    columns = {"Intercept": np.ones(len(used)), "case": np.where(is_case, 0.5, -0.5)}
    matrix = pd.DataFrame(columns, index=used.index)
    if absent:
        return Model(
            matrix, problem=f"the sample sheet has no covariate {', '.join(absent)}", samples=len(samples)
        )
    paired, cautions = _pairing(used["group"], is_case)
    for name in [*(["group"] if paired else []), *(["batch"] if "batch" in used else []), *adjust]:
        if not (name == "batch" and paired and (used.groupby("group")["batch"].nunique() == 1).all()):
            matrix = matrix.join(_term(used[name], name))
    return Model(matrix, cautions, _problem(matrix), len(samples))


def _pairing(groups: pd.Series, is_case: np.ndarray) -> tuple[bool, list[str]]:
    """Whether each woman (group) has samples of both classes; what to say if she has several without."""
    if groups.isna().any() or groups.nunique() == len(groups):
        return False, []
    if (pd.Series(is_case, index=groups.index).groupby(groups).nunique() == 2).all():
        return True, [f"each of {groups.nunique()} groups has both classes: compared within groups"]
    return False, [
        f"{len(groups)} samples of {groups.nunique()} groups are tested as if independent:"
        " p-values are too small"
    ]


def _term(values: pd.Series, name: str) -> pd.DataFrame:
    """A number in standard deviations; of a category an indicator of each level but the first."""
    if pd.api.types.is_numeric_dtype(values) and name not in ("group", "batch"):
        centred = values.astype(float) - values.mean()
        return pd.DataFrame({name: centred / (values.std() or 1.0)}, index=values.index)
    levels = sorted(values.astype(str).unique())
    return pd.DataFrame(
        {
            f"{name}{results.OF}{level}": (values.astype(str) == level).to_numpy(dtype=float)
            for level in levels[1:]
        },
        index=values.index,
    )


def _problem(matrix: pd.DataFrame) -> str | None:
    """Why a design cannot be tested: no two samples of a class, the label told by other terms, no residue."""
    smaller = _smaller_class(matrix)
    if smaller < 2:
        return f"found {smaller} samples of a class; expected 2 or more of each"
    if len(matrix) <= matrix.shape[1]:
        return f"{len(matrix)} samples are too few for {matrix.shape[1]} coefficients of the model"
    if np.linalg.matrix_rank(matrix) == matrix.shape[1]:
        return None
    rest = matrix.drop(columns="case")
    dependent = _dependent(rest)
    if dependent:
        return f"{_named(dependent)} cannot be told from the other terms of the model; leave a term out"
    terms = [name for name in Model(matrix).adjusted if _explains(matrix, [name])]
    return (
        f"{' or '.join(terms) or _named(list(rest.columns[1:]))} tells cases from controls, so its effect and"
        " the label's cannot be told apart"
    )


def _smaller_class(matrix: pd.DataFrame) -> int:
    return int(min((matrix["case"] > 0).sum(), (matrix["case"] < 0).sum()))


def _dependent(matrix: pd.DataFrame) -> list[str]:
    """Columns that are combinations of those before them."""
    ranks = [np.linalg.matrix_rank(matrix.iloc[:, : i + 1]) for i in range(matrix.shape[1])]
    return [matrix.columns[i] for i in range(1, len(ranks)) if ranks[i] == ranks[i - 1]]


def _named(columns: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys(column.split(results.OF)[0] for column in columns))


def _explains(matrix: pd.DataFrame, terms: Sequence[str]) -> bool:
    columns = [c for c in matrix.columns if c.split(results.OF)[0] in terms]
    chosen = matrix[["Intercept", *columns]]
    return np.linalg.matrix_rank(chosen.join(matrix["case"])) == np.linalg.matrix_rank(chosen)


def _filtered(counts: pd.DataFrame, model: Model) -> pd.Series:
    """Why a gene is not tested, NA where it is."""
    least = _smaller_class(model.matrix)
    enough = (counts.to_numpy() >= MIN_COUNT).sum(axis=1)
    reason = pd.Series(pd.NA, index=range(len(counts)), dtype="string")
    reason[enough < least] = f"fewer than {least} samples with {MIN_COUNT} reads"
    reason[~counts.to_numpy().any(axis=1)] = ALL_ZERO
    return reason


# ---- tests


def _deseq2(counts: pd.DataFrame, factors: pd.Series, design: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """PyDESeq2 with the size factors of the study; columns of `COLUMNS` in the order of the counts' genes."""
    from pydeseq2.ds import DeseqStats

    from decidua.negative_binomial import Batched, shrink

    with warnings.catch_warnings(record=True) as caught, threadpool_limits(limits=1, user_api="blas"):
        warnings.simplefilter("always")
        inference = Batched()
        data = _fitted(counts, factors, design, inference)
        place = list(design.columns).index("case")
        contrast = np.eye(design.shape[1])[place]
        stats = DeseqStats(data, contrast=contrast, alpha=FDR, inference=inference, quiet=True)
        stats.summary()
        shrunken = shrink(
            _counts_tested(data),
            design.to_numpy(),
            factors.to_numpy(),
            data.var["dispersions"].to_numpy(),
            place,
            float(min(np.sqrt(stats._fit_prior_var(coeff_idx=place)), 1.0)),
            stats.LFC.to_numpy(),
        )
    table = stats.results_df
    tested = pd.DataFrame(
        {
            "base_mean": table["baseMean"].to_numpy(),
            "log2_fold_change": table["log2FoldChange"].to_numpy(),
            "shrunken_log2_fold_change": shrunken / np.log(2),
            "standard_error": table["lfcSE"].to_numpy(),
            "statistic": table["stat"].to_numpy(),
            "p": table["pvalue"].to_numpy(),
            "p_adjusted": table["padj"].to_numpy(),
        }
    )
    tested["reason"] = pd.array(
        np.select([tested["p"].isna(), tested["p_adjusted"].isna()], [COOKS, LOW_MEAN], default=None),
        dtype="string",
    )
    return tested, _told(caught)


def _fitted(counts: pd.DataFrame, factors: pd.Series, design: pd.DataFrame, inference):
    """PyDESeq2's steps in its own order, from given size factors on."""
    from pydeseq2.dds import DeseqDataSet

    data = DeseqDataSet(
        counts=counts.T.rename_axis(index=None, columns=None),
        metadata=pd.DataFrame({"case": design["case"].to_numpy()}, index=list(design.index)),
        design=design.rename_axis(index=None),
        inference=inference,
        quiet=True,
    )
    data.obs["size_factors"] = factors.to_numpy()
    data.layers["normed_counts"] = data.X / factors.to_numpy()[:, None]
    data.var["_normed_means"] = data.layers["normed_counts"].mean(axis=0)
    data.fit_genewise_dispersions()
    data.fit_dispersion_trend()
    data.fit_dispersion_prior()
    data.fit_MAP_dispersions()
    data.fit_LFC()
    data.calculate_cooks()
    data.refit()
    data.cooks_outlier()
    return data


def _counts_tested(data) -> np.ndarray:
    """Samples x genes, outliers by Cook's distance replaced where the fit replaced them."""
    counts = np.array(data.X)
    refitted = data.var["refitted"].to_numpy(dtype=bool)
    if refitted.any():
        counts[:, refitted] = data.counts_to_refit.X
    return counts


def _told(caught: Sequence[warnings.WarningMessage]) -> list[str]:
    """What PyDESeq2 warned of, in words for the reader; a warning that is not known is passed on."""
    known = {
        "dispersion trend curve fitting did not converge": "no trend of the dispersions over the mean"
        " could be fitted, so their mean takes its place",
        "residual degrees of freedom is less than 3": "3 or fewer residual degrees of freedom:"
        " dispersions are poorly known",
    }
    told = []
    for warning in caught:
        found = [words for phrase, words in known.items() if phrase in str(warning.message)]
        told += found
        if not found and issubclass(warning.category, RuntimeWarning):
            warnings.warn(str(warning.message), warning.category, stacklevel=2)
    return list(dict.fromkeys(told))


def _screen(counts: pd.DataFrame, factors: pd.Series, design: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Moderated t-tests of log2(normalised counts + 1), Benjamini-Hochberg over the genes tested."""
    from decidua.expression import log2_normalised
    from decidua.moderated import moderated_t

    place = list(design.columns).index("case")
    values = log2_normalised(counts, factors).to_numpy().T
    with threadpool_limits(limits=1, user_api="blas"):
        test = moderated_t(values, design.to_numpy(), place)
    p = test.p
    tested = pd.DataFrame(
        {
            "log2_fold_change": test.effect,
            "standard_error": test.error,
            "statistic": np.where(np.isfinite(test.statistic), test.statistic, np.nan),
            "p": np.where(np.isfinite(test.statistic), p, np.nan),
            "p_adjusted": np.nan,
        }
    )
    estimable = tested["p"].notna().to_numpy()
    if estimable.any():
        from scipy.stats import false_discovery_control

        tested.loc[estimable, "p_adjusted"] = false_discovery_control(tested.loc[estimable, "p"])
    tested["reason"] = pd.array(np.where(estimable, None, CONSTANT), dtype="string")
    return tested, []


# ---- what came out


def summary(genes: pd.DataFrame, model: Model, method: str, cautions: Sequence[str]) -> pd.DataFrame:
    """Genes tested, not tested and different, the inflation of the statistics, the histogram of p-values."""
    test = METHODS[method] + (f", adjusted for {', '.join(model.adjusted)}" if model.adjusted else "")
    common = {
        "analysis": ANALYSIS,
        "population": "all",
        "variable": "label",
        "test": test,
        "counted": model.counted,
    }
    if model.problem:
        quantities = (TESTED, HIGHER, LOWER, "inflation of the statistics")
        return results.frame(
            results.not_estimable(model.problem, quantity=name, **common) for name in quantities
        )
    p = genes["p"].dropna().to_numpy()
    total, found = len(genes), genes["p_adjusted"] < FDR
    caution = {"reason": "; ".join([*cautions, NOT_FOR_CHOOSING])}
    rows = [_count(TESTED, len(p), total, **common, **caution)]
    for reason, number in sorted(genes.loc[genes["p"].isna(), "reason"].value_counts().items()):
        rows.append(_count(NOT_TESTED, number, total, level=reason, **common))
    low = int((genes["p"].notna() & genes["p_adjusted"].isna()).sum())
    rows.append(_count("genes without adjusted p", low, len(p), level=LOW_MEAN, **common))
    for quantity, sign in ((HIGHER, 1), (LOWER, -1)):
        number = int((found & (np.sign(genes["log2_fold_change"]) == sign)).sum())
        rows.append(_count(quantity, number, len(p), level=f"FDR {FDR:.0%}", **common))
    rows += [_inflation(p, common), *_histogram(p, common)]
    return results.frame(rows)


def _count(quantity: str, number: int, total: int, **common: Any) -> Mapping[str, Any]:
    if not total:
        return results.not_estimable("no gene was tested", **{**common, "reason": None}, quantity=quantity)
    return results.row(
        quantity=quantity, estimate=number / total, numerator=int(number), denominator=total, **common
    )


def _inflation(p: np.ndarray, common: Mapping[str, Any]) -> Mapping[str, Any]:
    """Median chi-square that the p-values stand for, over the one that is expected without any difference."""
    from scipy.stats import chi2

    quantity = "inflation of the statistics"
    if not len(p):
        return results.not_estimable("no gene was tested", quantity=quantity, **common)
    return results.row(
        quantity=quantity, estimate=float(chi2.isf(np.median(p), 1) / chi2.isf(0.5, 1)), **common
    )


def _histogram(p: np.ndarray, common: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    numbers = np.histogram(p, bins=BINS, range=(0, 1))[0]
    levels = [f"{place / BINS:.2f} to {(place + 1) / BINS:.2f}" for place in range(BINS)]
    return [
        _count(P_VALUES, number, len(p), level=level, **common)
        for level, number in zip(levels, numbers, strict=True)
        if len(p)
    ]
