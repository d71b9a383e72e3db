"""The chapter on predicting the next pregnancy: every table of it, and the model that can leave the house."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from decidua import results
from decidua.cases import IS_CASE
from decidua.markers import Panel, marker_names, with_calls
from decidua.prediction import alarms
from decidua.prediction.added_value import Women, added_value, pairs
from decidua.prediction.blood_panel import blood_panel, single_tests
from decidua.prediction.complexity import Simplified, sample_size_table, simplified
from decidua.prediction.conclusion import Asked, conclude
from decidua.prediction.curves import TYPES, calibration_curves
from decidua.prediction.decision_curves import COLUMNS as DECISION_COLUMNS
from decidua.prediction.decision_curves import decision_curves
from decidua.prediction.design import (
    BOOSTING,
    BOTH,
    CONDITIONAL,
    FIRTH,
    HISTORY,
    IMMUNE,
    NUMBER,
    RIDGE,
    Specification,
    kind,
)
from decidua.prediction.measures import C
from decidua.prediction.model_file import no_model_json, to_json
from decidua.prediction.paired import Predicted
from decidua.prediction.published import Published, applied, published_table
from decidua.prediction.question import (
    NOT_KNOWN,
    Data,
    Question,
    data,
    question,
    question_table,
    usable,
)
from decidua.prediction.strata import strata
from decidua.prediction.validation import (
    APPARENT,
    BY_CENTRE,
    CORRECTED,
    OVER_TIME,
    Validated,
    Validation,
    later_in_time,
    left_out_in_turn,
    resamples,
    validate,
)
from decidua.prediction.written import about_model, write_down
from decidua.statistics.answers import NotEstimable

HISTORY_ONLY, IMMUNE_ONLY, TOGETHER = "history", "immune", "history + immune"
DICHOTOMISED, BOOSTED = "history + immune, dichotomised", "history + immune, boosted"
FIRTHS = "history + immune, Firth"
#: With more women Firth's penalty, which fades as women become more, tells nothing that ridge does not, and
#: its hundreds of resamples take longer than all other models together.
MOST_FOR_FIRTH = 5_000
CROSS_VALIDATED = "cross-validated"
#: Values that a predictor must have more of to be a curve.
FEWEST_VALUES = 5
NO_MODEL = "no model could be learned"


@dataclass(frozen=True)
class Words:
    """How things are told: title of the cohort, labels and units of columns, mark of made-up data."""

    title: str
    labels: Mapping[str, str]
    units: Mapping[str, str]
    synthetic: str = ""
    provenance: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Learned:
    """All models of a chapter, the women they concern, and the comparisons between them."""

    specs: tuple[Specification, ...]
    validation: Validation
    women: Women

    @property
    def final(self) -> str:
        """The model that is written down: the largest that was declared, not the best that was found."""
        names = [spec.name for spec in self.specs]
        return next(name for name in (TOGETHER, IMMUNE_ONLY, HISTORY_ONLY) if name in names)


def specifications(
    asked: Question, given: Data, knots: Mapping[str, int], most_df: float | None = None
) -> tuple[Specification, ...]:
    """The models that the question asks for, but predictors that never vary."""
    method = CONDITIONAL if asked.sets else RIDGE
    history, immune, calls = (
        tuple(name for name in names if _varies(name, given))
        for names in (asked.history, asked.immune, asked.dichotomies)
    )
    found = [Specification(HISTORY_ONLY, history, knots, method, HISTORY)] if history else []
    if immune:
        found.append(Specification(IMMUNE_ONLY, immune, knots, method, IMMUNE))
    if history and immune:
        found.append(Specification(TOGETHER, history + immune, knots, method, BOTH))
    if history and calls:
        found.append(Specification(DICHOTOMISED, history + calls, knots, method, BOTH))
    if history and immune and not asked.sets:
        found.append(Specification(FIRTHS, history + immune, {}, FIRTH, BOTH))
        found.append(Specification(BOOSTED, history + immune, {}, BOOSTING, BOTH))
    return tuple(replace(each, most_df=most_df) if each.method == RIDGE else each for each in found)


def _varies(name: str, given: Data) -> bool:
    """Whether a predictor differs between women; of matched sets, between women of a set."""
    if name not in given.rows:
        return False
    column = given.rows[name]
    if given.sets is None:
        return column.dropna().nunique() > 1
    return bool((column.groupby(given.sets).nunique() > 1).any())


def _continuous(column: pd.Series) -> bool:
    return kind(column) == NUMBER and column.nunique() > FEWEST_VALUES


def learn(
    asked: Question,
    given: Data,
    specs: Sequence[Specification],
    rng: np.random.Generator,
    refused: Mapping[str, str] = MappingProxyType({}),
) -> Learned:
    """Learn and validate every model on the same resamples and folds; refused: why, of those not learned."""
    drawn = resamples(given.event, given.groups, asked.resamples, asked.folds, asked.repeats, rng)
    sets = given.sets if asked.sets else None
    wanted = [spec for spec in specs if spec.name not in refused]
    validation = validate(wanted, given.rows, given.event, drawn, sets, asked.confidence)
    validation.failures.update({spec.name: refused[spec.name] for spec in specs if spec.name in refused})
    women = Women(given.rows, given.event, given.groups, drawn.weights, sets)
    return Learned(tuple(specs), validation, women)


# ---- tables


def performance(learned: Learned, asked: Question, given: Data) -> pd.DataFrame:
    """Every measure of every model, apparent, corrected, cross-validated, in other centres and later."""
    rows: list[dict[str, Any]] = []
    for spec in learned.specs:
        if spec.name in learned.validation.failures:
            reason = learned.validation.failures[spec.name]
            rows.append(results.not_estimable(reason, variable=spec.name, quantity="c statistic"))
            continue
        rows += _measures(learned.validation.models[spec.name], asked.confidence)
        if spec.name in (HISTORY_ONLY, TOGETHER) and spec.method != CONDITIONAL:
            rows += _elsewhere(spec, asked, given)
    return results.frame({"analysis": "performance", "population": "all", **row} for row in rows)


def _measures(model: Validated, confidence: float) -> list[dict[str, Any]]:
    rows = []
    fixed = f"{confidence:.0%}, women resampled, model as it is"
    for found in model.measures.to_dict("records"):
        women, events = int(found["n"]), int(found["events"])
        place = {
            "variable": model.spec.name,
            "quantity": found["measure"],
            "numerator": events,
            "denominator": women,
            "counted": f"{women} women with a known outcome, {events} with the event",
        }
        caution = None if pd.isna(found["reason"]) else found["reason"]
        ways = [
            (APPARENT, found["apparent"], found["apparent_low"], found["apparent_high"], fixed),
            (CORRECTED, found["corrected"], found["low"], found["high"], found["interval"]),
            (CROSS_VALIDATED, found["cross_validated"], np.nan, np.nan, None),
        ]
        for way, estimate, low, high, how in ways:
            if pd.isna(estimate):
                reason = caution or "some woman has no held-out prediction"
                rows.append(results.not_estimable(reason, **place, level=way))
                continue
            ends = {} if pd.isna(low) else {"lower": low, "upper": high, "interval": how}
            rows.append(results.row(**place, level=way, estimate=estimate, reason=caution, **ends))
    return rows


def _elsewhere(spec: Specification, asked: Question, given: Data) -> list[dict[str, Any]]:
    tables = []
    if given.centre is not None:
        table = left_out_in_turn(spec, given.rows, given.event, given.centre, asked.confidence)
        tables.append((lambda where: f"{BY_CENTRE}: {where}", table))
    if given.date is not None:
        table = later_in_time(spec, given.rows, given.event, given.date, asked.confidence)
        tables.append((lambda where: OVER_TIME, table))
    rows = []
    for level, table in tables:
        for found in table.to_dict("records"):
            women, events = int(found["n"]), int(found["events"])
            place = {
                "variable": spec.name,
                "level": level(found["where"]),
                "quantity": found["measure"],
                "numerator": events,
                "denominator": women,
                "counted": f"{women} women of {found['where']}, who had no part in the learning",
            }
            if pd.isna(found["estimate"]):
                rows.append(results.not_estimable(str(found["reason"]), **place))
                continue
            ends = {"lower": found["low"], "upper": found["high"]}
            how = f"{asked.confidence:.0%}, women tested resampled, model as it is"
            rows.append(results.row(**place, estimate=found["estimate"], **ends, interval=how))
    return rows


def coefficients(learned: Learned) -> pd.DataFrame:
    """What was learned of each predictor: log odds ratios a standard deviation, and the penalty."""
    rows: list[dict[str, Any]] = []
    for name, model in learned.validation.models.items():
        fitted = model.fitted
        place = {"analysis": "coefficients", "population": "all", "level": name}
        if fitted.spec.method == BOOSTING:
            reason = "boosted trees have no coefficients"
            rows.append(
                results.not_estimable(reason, **place, quantity="log odds ratio a standard deviation")
            )
            continue
        rows += [
            results.row(**place, variable="model", quantity=quantity, estimate=float(value))
            for quantity, value in (("penalty", fitted.penalty), ("effective degrees of freedom", fitted.df))
        ]
        for predictor in fitted.predictors:
            for number, value in enumerate(predictor.coefficients, start=1):
                part = f", spline {number}" if len(predictor.coefficients) > 1 else ""
                rows.append(
                    results.row(
                        **place,
                        variable=predictor.name,
                        quantity=f"log odds ratio a standard deviation{part}",
                        estimate=float(value),
                        reason="held back by a penalty: no interval, no effect",
                    )
                )
    return results.frame(rows)


def predictions(learned: Learned, given: Data) -> pd.DataFrame:
    """What each model says of each woman, a row a woman and model: for restricted eyes."""
    parts = []
    for name, model in learned.validation.models.items():
        own = {"id": given.ids.astype("string"), "model": name, "event": given.event}
        own |= {"apparent": model.apparent, "held_out": model.held_out.mean(axis=0)}
        if model.spec.method != CONDITIONAL:
            own |= {"apparent_risk": expit(model.apparent)}
            own |= {"held_out_risk": expit(model.held_out).mean(axis=0)}
        parts.append(pd.DataFrame(own))
    columns = ["id", "model", "event", "apparent", "held_out", "apparent_risk", "held_out_risk"]
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    return table.reindex(columns=columns).sort_values(["model", "id"], ignore_index=True)


def decisions(learned: Learned, asked: Question) -> pd.DataFrame:
    """Decision curves of all models that know a risk."""
    models = {
        name: Predicted.of(model)
        for name, model in learned.validation.models.items()
        if model.spec.method != CONDITIONAL
    }
    failures = dict(learned.validation.failures)
    failures |= {
        name: "matched sets hold no absolute risk"
        for name, model in learned.validation.models.items()
        if model.spec.method == CONDITIONAL
    }
    return decision_curves(
        models,
        learned.women.event,
        learned.women.weights,
        asked.thresholds,
        against=dict(pairs(learned.specs)),
        failures=failures,
        confidence=asked.confidence,
    )


def written_model(
    learned: Learned,
    asked: Question,
    given: Data,
    performance_table: pd.DataFrame,
    warned: pd.DataFrame,
    words: Words,
) -> str:
    """The final model as JSON, or why there is none."""
    model = learned.validation.models.get(learned.final)
    if model is None:
        return no_model_json(learned.validation.failures.get(learned.final, NO_MODEL))
    about = about_model(
        title=words.title,
        outcome=asked.outcome,
        event_value=asked.event_value,
        event=asked.event,
        moment=asked.moment,
        fitted=model.fitted,
        left_out=given.left_out,
        performance=performance_table,
        alarms=[
            {"name": str(alarm), "reason": str(reason)}
            for alarm, reason in dict.fromkeys(zip(warned["alarm"], warned["reason"], strict=True))
        ],
        provenance=words.provenance,
        synthetic=words.synthetic,
    )
    try:
        return to_json(write_down(model.fitted, words.labels, words.units, about))
    except NotEstimable as reason:
        return no_model_json(str(reason))


# ---- all together


@dataclass(frozen=True)
class Chapter:
    """tables: by name. model: JSON. predictions: a row a woman and model, for restricted eyes."""

    tables: dict[str, pd.DataFrame]
    model: str
    predictions: pd.DataFrame


def chapter(
    settings: Mapping[str, Any],
    cohort: pd.DataFrame,
    calls: pd.DataFrame,
    panel: Panel,
    words: Words,
    rng: np.random.Generator,
    published: Sequence[Published] = (),
) -> Chapter:
    """Everything that the chapter says of a cohort.

    Args:
        settings: `prediction` (the settings of that name), `analysis` (treatment, group, cases, confidence),
            and `when` each column is known.
        cohort: a row a woman. calls: as from `decidua.markers.classify`, with the column of cases, if any.
        panel: the marker panel. published: models to hold against these women.
    """
    markers = marker_names(calls)
    asked = question(
        settings["prediction"],
        settings["analysis"],
        list(cohort.columns),
        panel.columns,
        markers,
        settings["when"],
    )
    women = cohort if asked.outcome == settings["analysis"]["cases"] else _cases(cohort, calls)
    try:
        given = data(asked, women, calls, markers, {"group": settings["analysis"]["group"]})
        numbers = [name for name in (*asked.history, *asked.immune) if _continuous(given.rows[name])]
        share = float(given.event.mean())
        size = simplified(asked, panel, len(given.event), share, numbers)
        asked = _without_matched(size.asked, given)
        specs = specifications(asked, given, size.knots, size.held)
        if not specs:
            raise NotEstimable("there is no predictor that is known and differs between women")
    except NotEstimable as reason:
        return _nothing(str(reason), asked)
    learned = learn(asked, given, specs, rng, _refused(size, len(given.event)))
    measured = performance(learned, asked, given)
    value = added_value(learned.validation, pairs(specs), learned.women, asked.crossing, asked.confidence)
    warned = _alarms(learned, asked, given, value, size.warning)
    tables = {
        "question": question_table(asked, given),
        "performance": measured,
        "published": _published(published, learned, asked, women, given, settings["when"]),
        "calibration": calibration_curves(
            learned.validation.models.values(),
            given.event,
            given.groups,
            asked.confidence,
            learned.validation.failures,
        ),
        "added_value": value,
        "decision_curves": decisions(learned, asked),
        "coefficients": coefficients(learned),
        "alarms": warned,
        "strata": _strata(learned, given, asked),
        "blood_panel": blood_panel(
            with_calls(cohort, calls, controls=True), panel, settings["analysis"]["cases"], asked.confidence
        ),
        "markers": single_tests(
            with_calls(women, calls, controls=True),
            panel,
            asked.outcome,
            asked.event_value,
            rng,
            event=asked.event,
            confidence=asked.confidence,
            resamples=asked.resamples,
            caution="; ".join(_reasons(warned, "positivity")),
        ),
        "sample_size": sample_size_table(size, len(given.event), int(given.event.sum())),
    }
    tables["conclusion"] = conclude(
        _in_words(asked, given, words),
        value,
        tables["decision_curves"],
        list(zip(warned["alarm"], warned["reason"], strict=True)),
    )
    if size.warning:
        for name in ("performance", "added_value", "coefficients", "strata"):
            tables[name] = results.cautioned(tables[name], size.warning)
    model = written_model(learned, asked, given, measured, warned, words)
    return Chapter(tables, model, predictions(learned, given))


def _refused(size: Simplified, women: int) -> dict[str, str]:
    """Models that are not learned, and why: Firth's has no penalty that could be made stronger."""
    if size.held is not None:
        return {FIRTHS: "nothing holds it to what these women can bear: it is learned with go_on"}
    if women > MOST_FOR_FIRTH:
        return {FIRTHS: f"not learned of more than {MOST_FOR_FIRTH} women, where it is what ridge is"}
    return {}


def _published(
    models: Sequence[Published],
    learned: Learned,
    asked: Question,
    women: pd.DataFrame,
    given: Data,
    when: Mapping[str, str],
) -> pd.DataFrame:
    """Published models, which speak of the unwanted end, as they are and recalibrated."""
    rows = women.set_index("id").loc[given.ids]
    unwanted = given.event if not asked.event_value else ~given.event
    tables = []
    for model in models:
        if asked.sets is not None:
            why = "matched sets hold no absolute risk"
        else:
            late = usable([name for name in model.columns if name in rows], when, asked.moment)[1]
            why = "; ".join(f"{name}: {reason}" for name, reason in late)
        found = applied(model, rows, unwanted, outcome=asked.outcome, refused=why)
        tables.append(published_table(found, unwanted, learned.women.weights, asked.confidence))
    return pd.concat(tables, ignore_index=True) if tables else results.frame([])


def _without_matched(asked: Question, given: Data) -> Question:
    """The question without what women of a set were matched by, of which a set can tell nothing."""
    if given.sets is None:
        return asked
    same = [name for name in (*asked.history, *asked.immune) if not _varies(name, given)]
    return replace(
        asked,
        history=tuple(name for name in asked.history if name not in same),
        immune=tuple(name for name in asked.immune if name not in same),
        refused=asked.refused + tuple((name, "the women of a set were matched by it") for name in same),
    )


def _cases(cohort: pd.DataFrame, calls: pd.DataFrame) -> pd.DataFrame:
    """The women with losses, where there are others."""
    if IS_CASE not in calls:
        return cohort
    cases = calls.loc[calls[IS_CASE].fillna(False).astype(bool), "id"]
    return cohort[cohort["id"].isin(set(cases))]


def _strata(learned: Learned, given: Data, asked: Question) -> pd.DataFrame:
    """Of the final model."""
    model = learned.validation.models.get(learned.final)
    if model is None:
        place = {"analysis": "strata", "population": "all", "quantity": "c statistic"}
        return results.frame([results.not_estimable(NO_MODEL, **place)])
    return strata(model, given.event, given.groups, given.strata, asked.confidence)


def _reasons(warned: pd.DataFrame, alarm: str) -> list[str]:
    return list(warned.loc[warned["alarm"] == alarm, "reason"].drop_duplicates())


def _in_words(asked: Question, given: Data, words: Words) -> Asked:
    def told(name: str) -> str:
        return words.labels.get(name, name.replace("_", " "))

    return Asked(
        event=asked.event,
        history=[told(name) for name in asked.history],
        immune=[told(name) for name in asked.immune],
        women=len(given.event),
        events=int(given.event.sum()),
        left_out=given.left_out,
        crossing=asked.crossing,
        treatment=None if asked.treatment is None else told(asked.treatment),
        synthetic=words.synthetic,
        confidence=asked.confidence,
    )


def _nothing(reason: str, asked: Question) -> Chapter:
    """The chapter of a cohort that cannot answer: every table says why."""
    names = (
        "sample_size",
        "performance",
        "published",
        "added_value",
        "coefficients",
        "strata",
        "markers",
        "blood_panel",
    )
    tables = {
        name: results.frame(
            [results.not_estimable(reason, analysis=name, population="all", quantity="estimate")]
        )
        for name in names
    }
    curve = pd.DataFrame({"reason": [reason]})
    tables["calibration"] = curve.assign(shown="curve").reindex(columns=list(TYPES)).astype(TYPES)
    tables["decision_curves"] = curve.reindex(columns=list(DECISION_COLUMNS)).astype(DECISION_COLUMNS)
    tables["question"] = question_table(asked, None)
    tables["alarms"] = alarms.alarms_table([alarms.Alarm("no prediction", "performance", reason)])
    said = f"Nothing can be predicted in this cohort: {reason}."
    tables["conclusion"] = pd.DataFrame({"topic": ["verdict"], "sentence": [said]})
    columns = ["id", "model", "event", "apparent", "held_out", "apparent_risk", "held_out_risk"]
    return Chapter(tables, no_model_json(reason), pd.DataFrame(columns=columns))


def _alarms(
    learned: Learned, asked: Question, given: Data, value: pd.DataFrame, too_large: str
) -> pd.DataFrame:
    """What makes numbers of the chapter doubtful: name of the alarm, where it stands, and why."""
    corrected = {
        name: float(model.measures.set_index("measure")["corrected"].get(C, np.nan))
        for name, model in learned.validation.models.items()
    }
    learnt = [spec for spec in learned.specs if spec.name in learned.validation.models]
    linear = [spec for spec in learnt if spec.method != BOOSTING]
    known, unknown = len(given.event), given.left_out.get(NOT_KNOWN, 0)
    calls = given.rows[[name for name in asked.dichotomies if name in given.rows]]
    woman = pd.Series(given.groups) if asked.woman is not None else None
    return alarms.alarms_table(
        [
            *alarms.outcome_known_for_some(int(given.event.sum()), known, unknown),
            *alarms.positivity(given.treatment, calls),
            *alarms.leakage(corrected),
            *alarms.separation(given.rows, given.event, {spec.name: spec.columns for spec in linear}),
            *alarms.separated(value["reason"].dropna(), "added_value"),
            *alarms.too_few_events(given.event, {spec.name: spec.parameters for spec in linear}),
            *alarms.too_many_parameters(too_large),
            *alarms.in_several_rows(woman),
            *(alarms.suspected_duplicates(given.rows, given.event) if woman is None else ()),
        ]
    )
