"""What would an endometrial RNA-seq study of a given size, shape and strength look like?

A simulation: no number in it is a measurement, and how well cases can be told from controls is a setting of
the design (`effect`), not a finding. Its shape follows what is public of Andersen et al. 2025: 108 women with
recurrent pregnancy loss (RPL) and 27 controls in four subgroups (controls only; mixed, mostly controls; two
of RPL only, one of them with raised immune genes).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from decidua.errors import InputError
from decidua.gene_sets import shipped_genes
from decidua.learning.performance import CASE, CONTROL

#: Mean log2 fold change of each signature in the immune-high subgroup at effect 1.
IMMUNE_SHIFT = {"NK": 2.0, "cytotoxic": 1.4, "cytolytic": 1.4, "T": 0.4, "monocytic": 1.2, "macrophage": 1.8}
#: Published reference genes (Eisenberg and Levanon 2013) that are abundant and planted unchanged, by name.
HOUSEKEEPING = (
    *("C1orf43", "CHMP2A", "EMC7", "GPI", "PSMB2", "PSMB4"),
    *("RAB7A", "REEP5", "SNRPD3", "VCP", "VPS29"),
)
#: What the columns of the simulated sample sheet are.
COLUMNS = {
    "sample": "sample",
    "label": "label",
    "batch": "batch",
    "comparator": "comparator",
    "covariates": ["age", "cycle_day", "rin"],
}
#: Kinds of simulated control, drawn at random: they do not differ in anything.
COMPARATORS = ("IVF, male factor", "IVF, tubal")
BATCHES = ("run 1", "run 2", "run 3")
SUBGROUPS = ("controls only", "mixed", "RPL", "RPL immune-high")
AGES, CYCLE_DAYS = (18, 42), (3, 10)


@dataclass(frozen=True)
class Design:
    """Size, shape and strength of a simulated study.

    cases, controls, genes: how many.
    effect: factor on every planted log2 fold change; 0 plants nothing.
    controls_mixed, cases_mixed: shares of the controls and of the cases in the mixed subgroup.
    cases_immune: share of the other cases that are immune-high.
    changed: share of the genes changed in RPL; as many are changed in the mixed subgroup, others in each.
    library_size: median reads a sample; dispersion: what it tends to for highly expressed genes.
    signatures: the genes that carry the immune effects by name, in disjoint sets; those of the workflow.
    """

    cases: int = 108
    controls: int = 27
    genes: int = 20_000
    effect: float = 1.0
    controls_mixed: float = 0.6
    cases_mixed: float = 0.07
    cases_immune: float = 0.4
    changed: float = 0.05
    library_size: float = 25e6
    dispersion: float = 0.1
    signatures: Mapping[str, tuple[str, ...]] = field(default_factory=shipped_genes)

    def __post_init__(self) -> None:
        named = sum(map(len, self.signatures.values()))
        problems = []
        if self.cases < 2 or self.controls < 2:
            problems.append(
                f"design: found {self.cases} cases, {self.controls} controls; expected 2 or more of each"
            )
        if self.genes < 2 * named:
            problems.append(f"design: found {self.genes} genes; expected {2 * named} or more")
        if self.effect < 0:
            problems.append(f"design: found effect {self.effect}; expected 0 or more")
        for name in ("controls_mixed", "cases_mixed", "cases_immune"):
            if not 0 <= getattr(self, name) <= 1:
                problems.append(f"design: found {name} {getattr(self, name)}; expected a share from 0 to 1")
        if not 0 <= self.changed <= 0.3:
            problems.append(f"design: found changed {self.changed}; expected a share from 0 to 0.3")
        if problems:
            raise InputError(problems)


@dataclass(frozen=True)
class Simulation:
    """A simulated study. What was planted stands apart from what a study would have.

    counts: genes x samples, int32.
    samples: sample, label ("case" or "control"), synthetic (True), age (years), cycle_day, rin (RNA integrity
        number), batch (sequencing run; each has both classes), comparator (kind of control; NA for cases).
    genes: the truth by gene: gene, signature (NA for most), mean_count (at a typical library), dispersion,
        and the planted log2 fold change in each subgroup against "controls only": log2fc_mixed, log2fc_rpl,
        log2fc_rpl_immune_high.
    subgroups: the truth by sample: sample, subgroup.
    """

    counts: pd.DataFrame
    samples: pd.DataFrame
    genes: pd.DataFrame
    subgroups: pd.DataFrame


def simulate(design: Design, rng: np.random.Generator) -> Simulation:
    """Draw a study: negative-binomial counts around planted means.

    Each gene has an abundance (log-normal), a dispersion that falls with it towards the design's (as the
    trend of DESeq2 does), its planted changes, and small shifts with the cycle day and with hidden factors
    of the samples (cell composition, handling) that have nothing to do with the label. Nothing
    distinguishes the technical handling of cases and controls.

    Returns:
        Samples in an order, and with names, that tell nothing about their label.
    """
    truth, names = _genes(design, rng)
    subgroups, is_case = _samples(design, rng)
    n = len(is_case)
    age = rng.integers(AGES[0], AGES[1] + 1, n)
    cycle_day = rng.integers(CYCLE_DAYS[0], CYCLE_DAYS[1] + 1, n)
    log2 = np.log2(truth["mean_count"].to_numpy())[:, None] + _planted(truth)[:, subgroups]
    log2 += _background(design.genes, cycle_day, rng)
    library = rng.lognormal(0.0, 0.35, n)
    mean = (np.exp2(log2) * library).astype(np.float32)
    counts = _negative_binomial(mean, truth["dispersion"].to_numpy(), rng)
    width = max(3, len(str(n)))
    samples = pd.Index([f"S{i + 1:0{width}d}" for i in range(n)], name="sample")
    sheet = pd.DataFrame(
        {
            "sample": samples.astype("string"),
            "label": pd.array(np.where(is_case, CASE, CONTROL), dtype="string"),
            "synthetic": pd.array(np.ones(n, dtype=bool), dtype="boolean"),
            "age": age,
            "cycle_day": cycle_day,
            **_handling(is_case, rng.spawn(1)[0]),
        }
    )
    subgroup = pd.array(np.array(SUBGROUPS, dtype=object)[subgroups], dtype="string")
    return Simulation(
        counts=pd.DataFrame(counts, index=names, columns=samples),
        samples=sheet,
        genes=truth,
        subgroups=pd.DataFrame({"sample": samples.astype("string"), "subgroup": subgroup}),
    )


def _genes(design: Design, rng: np.random.Generator) -> tuple[pd.DataFrame, pd.Index]:
    """The truth by gene, and the genes' names: simulated ones, and those of the signatures among them."""
    n = design.genes
    places = rng.permutation(n)
    named = [(gene, signature) for signature, genes in design.signatures.items() for gene in genes]
    names = np.array([f"SIM{i + 1:05d}" for i in range(n)], dtype=object)
    signature = np.full(n, pd.NA, dtype=object)
    immune, others = places[: len(named)], places[len(named) : n - len(HOUSEKEEPING)]
    steady = places[n - len(HOUSEKEEPING) :]
    names[steady] = HOUSEKEEPING
    for place, (gene, of) in zip(immune, named, strict=True):
        names[place], signature[place] = gene, of
    abundance = rng.normal(0.0, 2.3, n)
    abundance[rng.random(n) < 0.2] -= 6.0  # silent in this tissue
    abundance[immune] = rng.normal(-1.0, 0.8, len(immune))  # immune cells are a minority of the tissue
    abundance[steady] = rng.spawn(1)[0].normal(2.0, 0.5, len(steady))
    share = np.exp(abundance)
    mean = design.library_size * share / share.sum()
    dispersion = (design.dispersion + 2.0 / mean) * rng.lognormal(0.0, 0.5, n)
    truth = pd.DataFrame(
        {"gene": names, "signature": signature, "mean_count": mean, "dispersion": dispersion}
    )
    changed = round(design.changed * n)
    of_rpl, of_mixed, of_immune = (
        others[:changed],
        others[changed : 2 * changed],
        others[2 * changed : 3 * changed],
    )
    loss, mixed, extra = np.zeros(n), np.zeros(n), np.zeros(n)
    loss[of_rpl] = rng.normal(0.0, 0.6, changed)
    mixed[of_mixed] = rng.normal(0.0, 0.8, changed)
    extra[of_immune] = rng.normal(0.0, 0.8, changed)
    for place, (_, of) in zip(immune, named, strict=True):
        extra[place] = IMMUNE_SHIFT.get(of, 1.0) * rng.uniform(0.6, 1.4)
        loss[place] = 0.15 * extra[place]
    truth["log2fc_mixed"] = design.effect * mixed
    truth["log2fc_rpl"] = design.effect * loss
    truth["log2fc_rpl_immune_high"] = design.effect * (loss + extra)
    return truth.astype({"gene": "string", "signature": "string"}), pd.Index(names.astype(str), name="gene")


def _samples(design: Design, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Subgroup (position in `SUBGROUPS`) and class of each sample, shuffled."""
    controls_mixed = round(design.controls_mixed * design.controls)
    cases_mixed = round(design.cases_mixed * design.cases)
    immune = round(design.cases_immune * (design.cases - cases_mixed))
    sizes = {
        (0, False): design.controls - controls_mixed,
        (1, False): controls_mixed,
        (1, True): cases_mixed,
        (2, True): design.cases - cases_mixed - immune,
        (3, True): immune,
    }
    subgroup = np.repeat([place for place, _ in sizes], list(sizes.values()))
    is_case = np.repeat([case for _, case in sizes], list(sizes.values()))
    order = rng.permutation(len(subgroup))
    return subgroup[order], is_case[order]


def _handling(is_case: np.ndarray, rng: np.random.Generator) -> dict[str, object]:
    """RNA integrity, sequencing run and kind of control, none of which has a part in the counts.

    Runs are dealt within the classes, so that none is tied to a class.
    """
    batch = np.empty(len(is_case), dtype=object)
    runs = BATCHES[: min(len(BATCHES), is_case.sum(), (~is_case).sum())]
    for members in (np.flatnonzero(is_case), np.flatnonzero(~is_case)):
        batch[rng.permutation(members)] = np.resize(np.array(runs, dtype=object), len(members))
    comparator = np.where(is_case, pd.NA, rng.choice(np.array(COMPARATORS, dtype=object), len(is_case)))
    return {
        "rin": np.round(np.clip(rng.normal(7.5, 0.8, len(is_case)), 3.0, 10.0), 1),
        "batch": pd.array(batch, dtype="string"),
        "comparator": pd.array(comparator, dtype="string"),
    }


def _planted(truth: pd.DataFrame) -> np.ndarray:
    """log2 fold changes, genes x subgroups."""
    changes = truth[["log2fc_mixed", "log2fc_rpl", "log2fc_rpl_immune_high"]].to_numpy()
    return np.column_stack([np.zeros(len(truth)), changes])


def _background(genes: int, cycle_day: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Variation between samples that the label has no part in: cycle day and five hidden factors."""
    day = (cycle_day - np.mean(CYCLE_DAYS)) / 2.5
    factors = np.vstack([day, rng.normal(size=(5, len(cycle_day)))])
    loadings = rng.normal(0.0, 0.25, (genes, len(factors))) * (rng.random((genes, len(factors))) < 0.3)
    return np.einsum("gf,fs->gs", loadings, factors)


def _negative_binomial(mean: np.ndarray, dispersion: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Counts of this mean and of variance mean + dispersion * mean^2: Poisson counts of gamma rates."""
    shape = np.broadcast_to((1 / dispersion).astype(np.float32)[:, None], mean.shape)
    rate = rng.standard_gamma(shape, dtype=np.float32) * (mean * dispersion.astype(np.float32)[:, None])
    return rng.poisson(np.minimum(rate, 1e9)).astype(np.int32)
