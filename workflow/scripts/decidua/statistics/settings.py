"""How is a cohort analysed: which columns play which part?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from decidua.definitions import Definition
from decidua.labels import measured_name

HAN_GROUPS = {"known": "Known etiology", "idiopathic": "Idiopathic"}


@dataclass(frozen=True)
class Settings:
    """The analysis settings of one cohort; the defaults are those of Han et al. 2025.

    Attributes:
        group: column whose levels are the populations that are compared; None: the cohort as a whole.
        group_labels: level to the words for it; their order is the order of the levels.
        outcome: yes/no column, the outcome of the pregnancy after the work-up.
        history: column with the number of earlier losses; None: not followed.
        history_categories: where each category starts, ascending; the last one is open.
        covariates: columns of the logistic regressions.
        describe: columns of the baseline table.
        treatment: column with the treatment (a dose or yes/no); None: not recorded.
        karyotype: column with euploid, aneuploid or not tested; None: not recorded.
        splines: covariates that the models also take as curves.
        steps: covariate to the step whose risk difference is shown; 1 unless given.
        imputations: how often unknown covariates are filled in; 0 or None: not at all.
        trends: yes/no columns to follow over the history, besides the outcome, immunity and the markers.
        margin: how much worse the outcome's rate may be to be called not inferior; None: no such reading.
        outcome_is_wanted: whether a higher rate of the outcome is better.
        markers: names of the markers that were called, in the panel's order.
        definition: of recurrent pregnancy loss, that the cohort was left with; None: the table as it is.
        confidence: of every interval.
    """

    group: str | None = "etiology"
    group_labels: Mapping[str, str] = field(default_factory=lambda: dict(HAN_GROUPS))
    outcome: str = "live_birth"
    history: str | None = "miscarriages"
    history_categories: Sequence[int] = (2, 3, 4)
    covariates: Sequence[str] = ("age", "bmi", "miscarriages")
    describe: Sequence[str] = ("age", "bmi", "miscarriages", "parity", "ivig_dose_g")
    treatment: str | None = "ivig_dose_g"
    karyotype: str | None = "karyotype"
    splines: Sequence[str] = ("age", "bmi")
    steps: Mapping[str, float] = field(default_factory=dict)
    imputations: int | None = 20
    trends: Sequence[str] = ()
    margin: float | None = None
    outcome_is_wanted: bool = True
    markers: Sequence[str] = ("nk_level", "nk_cytotoxicity", "th1_th2")
    definition: Definition | None = None
    confidence: float = 0.95

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if isinstance(value, list):
                object.__setattr__(self, each.name, tuple(value))
        if not self.history_categories or list(self.history_categories) != sorted(
            set(self.history_categories)
        ):
            raise ValueError(
                f"history_categories: found {self.history_categories}; expected ascending numbers"
            )
        if not 0 < self.confidence < 1:
            raise ValueError(f"confidence: found {self.confidence}; expected a number between 0 and 1")

    @classmethod
    def of(cls, settings: Mapping[str, Any], markers: Sequence[str]) -> "Settings":
        """Settings from a mapping that may lack keys (they get their defaults); an unknown key is an error.

        A described column or covariate that shares its name with a marker means the measured value.
        """
        measured: dict[str, Any] = {
            key: tuple(measured_name(name, markers) for name in settings[key])
            for key in ("covariates", "describe", "splines")
            if key in settings
        }
        if "steps" in settings:
            measured["steps"] = {measured_name(name, markers): by for name, by in settings["steps"].items()}
        if settings.get("definition") is not None:
            measured["definition"] = Definition.of(settings["definition"])
        return cls(**{**settings, **measured, "markers": tuple(markers)})
