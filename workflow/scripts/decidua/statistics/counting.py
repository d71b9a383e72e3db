"""Who is counted, with which event, in which level, and who is left out because something is unknown?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from decidua.labels import measured_name
from decidua.markers import ABNORMAL, NORMAL, subgroups
from decidua.statistics.answers import NotEstimable
from decidua.statistics.settings import Settings

EVERYONE = "all"
MOST_GROUPS = 12
#: Up to so many markers every combination is listed, also one that no woman has.
MOST_COMBINED = 3
#: Up to so many empty levels are named in a caution.
MOST_NAMED = 3
UNKNOWN, OUTSIDE = -1, -2
SELECTED = (
    "one abnormal marker makes a woman abnormal, only all markers make her normal: leaving out the unknown "
    "raises the share of the abnormal"
)


@dataclass(frozen=True)
class Events:
    """A yes/no fact about each woman: 1, 0, or NaN where unknown.

    `eligible` are the women whom the question concerns; `known` and `unknown` say in words who is counted
    and who, though eligible, is not; `selection` what leaving those out does to a rate.
    """

    values: np.ndarray
    eligible: np.ndarray
    known: str
    unknown: str = "unknown left out"
    selection: str = ""

    @classmethod
    def of(cls, values: np.ndarray, name: str) -> "Events":
        return cls(values, np.ones(len(values), dtype=bool), f"women with known {in_words(name)}")


@dataclass(frozen=True)
class Levels:
    """A classification of the women: `codes` count from 0 along `names`.

    UNKNOWN is a woman whose level is not known, OUTSIDE one who has none by design (`outside` says who).
    """

    variable: str
    names: tuple[str, ...]
    codes: np.ndarray
    outside: str = ""

    def members(self, place: int) -> np.ndarray:
        return self.codes == place


@dataclass(frozen=True)
class Tally:
    """Women and women with the event in each level, and in words who was left out.

    `unplaced` are the women of unknown level: with the event, without it, and of whom that is unknown.
    `selection` says what leaving out the unknown does to the rates; empty where that is not known.
    """

    names: tuple[str, ...]
    events: np.ndarray
    totals: np.ndarray
    unknown: np.ndarray
    known_words: str
    unknown_words: str
    elsewhere: str = ""
    unplaced: tuple[int, int, int] = (0, 0, 0)
    selection: str = ""

    def counted(self, place: int) -> str:
        """Whom a level's rate counts."""
        return f"{self.known_words}; {self.unknown[place]} {self.unknown_words}"

    @property
    def counted_in_all(self) -> str:
        """Whom a comparison of the levels counts."""
        return f"{self.known_words}; {self.unknown.sum()} {self.unknown_words}{self.elsewhere}"

    def pick(self, places: Sequence[int]) -> "Tally":
        """Some of the levels only."""
        at = list(places)
        names = tuple(self.names[place] for place in at)
        return replace(
            self, names=names, events=self.events[at], totals=self.totals[at], unknown=self.unknown[at]
        )

    def table(self) -> np.ndarray:
        """Event (yes, no) x level.

        Raises:
            NotEstimable: fewer than two levels hold anyone, or all or none have the event.
        """
        occupied = self.totals > 0
        if occupied.sum() < 2:
            held = [name for name, is_held in zip(self.names, occupied, strict=True) if is_held]
            only = f"are all in {held[0]}" if held else "are in none of the levels"
            raise NotEstimable(f"nothing to compare: {self.known_words} {only}")
        if self.events.sum() in (0, self.totals.sum()):
            share = "none" if not self.events.any() else "all"
            raise NotEstimable(f"nothing to compare: {share} of the {self.totals.sum()} women have the event")
        return np.array([self.events, self.totals - self.events])

    @property
    def caution(self) -> str:
        """Which levels hold nobody."""
        empty = [name for name, total in zip(self.names, self.totals, strict=True) if not total]
        if len(empty) > MOST_NAMED:
            return f"nobody in {len(empty)} of {len(self.names)} groups"
        return f"nobody in {', '.join(map(in_words, empty))}" if empty else ""


def tally(events: Events, levels: Levels, members: np.ndarray | None = None) -> Tally:
    """Count the events of the members (all women unless given) in each level."""
    within = events.eligible if members is None else events.eligible & members
    codes, values = levels.codes[within], events.values[within]
    known, placed = ~np.isnan(values), codes >= 0
    k = len(levels.names)

    def count(chosen: np.ndarray) -> np.ndarray:
        return np.bincount(codes[placed & chosen], minlength=k)[:k]

    elsewhere = ""
    if unplaced := int((codes == UNKNOWN).sum()):
        elsewhere += f"; {unplaced} with unknown {in_words(levels.variable)} left out"
    if outside := int((codes == OUTSIDE).sum()):
        elsewhere += f"; {outside} {levels.outside} left out"
    return Tally(
        levels.names,
        count(values == 1),
        count(known),
        count(~known),
        events.known,
        events.unknown,
        elsewhere,
        tuple(int(((codes == UNKNOWN) & each).sum()) for each in (values == 1, values == 0, ~known)),
        events.selection,
    )


def in_words(name: str) -> str:
    """A column's name as it stands in a sentence."""
    return name.replace("_", " ")


def column(women: pd.DataFrame, name: str) -> pd.Series:
    """A column of the cohort; NotEstimable when there is none."""
    if name not in women:
        raise NotEstimable(f"the cohort has no column {name}")
    return women[name]


def numbers(women: pd.DataFrame, name: str, settings: Settings) -> np.ndarray:
    """A measured column as floats, NaN where unknown; NotEstimable when it does not hold numbers."""
    measured = measured_name(name, settings.markers)
    values = column(women, measured if measured in women else name)
    if not pd.api.types.is_numeric_dtype(values) and not values.isna().all():
        raise NotEstimable(f"{name} does not hold numbers")
    return pd.array(values, dtype="Float64").to_numpy(dtype=float, na_value=np.nan)


def is_classification(women: pd.DataFrame, name: str, settings: Settings) -> bool:
    """Whether a column holds yes and no, or categories; not when it holds numbers."""
    measured = measured_name(name, settings.markers)
    values = column(women, measured if measured in women else name)
    return pd.api.types.is_bool_dtype(values) or not pd.api.types.is_numeric_dtype(values)


def classification(women: pd.DataFrame, name: str) -> Levels:
    """The levels of a column of yes and no, or of categories, in the order of the category or the alphabet.

    Raises:
        NotEstimable: nobody's is known, or there are too many levels to list.
    """
    values = column(women, name)
    if pd.api.types.is_bool_dtype(values):
        yes = values.astype("boolean").to_numpy(dtype=float, na_value=np.nan)
        return Levels(
            name, ("yes", "no"), np.where(np.isnan(yes), UNKNOWN, 1 - np.nan_to_num(yes)).astype(int)
        )
    if not isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype("string").astype("category")
    names = tuple(str(level) for level in values.cat.categories)
    if not names or values.isna().all():
        raise NotEstimable(f"{in_words(name)} is unknown for all women")
    if len(names) > MOST_GROUPS:
        raise NotEstimable(
            f"{in_words(name)} has {len(names)} levels; more than {MOST_GROUPS} are not described"
        )
    return Levels(name, names, values.cat.codes.to_numpy().astype(int))


def _yes_no(values: pd.Series, name: str) -> np.ndarray:
    try:
        return values.astype("boolean").to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError):
        raise NotEstimable(f"{name} holds other values than yes and no") from None


def outcome(women: pd.DataFrame, settings: Settings) -> Events:
    """Whether the outcome came about."""
    return Events.of(_yes_no(column(women, settings.outcome), settings.outcome), settings.outcome)


def event(women: pd.DataFrame, name: str, settings: Settings) -> Events:
    """A yes/no question by its name: aneuploidy, immunity (is it abnormal), a marker's call, or a column."""
    if name == "aneuploidy":
        return karyotyped(women, settings, "aneuploid")
    if name == "immunity":
        abnormal = column(women, name).astype("string").eq(ABNORMAL)
        found = Events.of(abnormal.to_numpy(dtype=float, na_value=np.nan), name)
        return replace(found, selection=SELECTED)
    return Events.of(_yes_no(column(women, name), name), name)


def _karyotype(women: pd.DataFrame, settings: Settings) -> pd.Series:
    if settings.karyotype is None:
        raise NotEstimable("no karyotypes were recorded")
    return column(women, settings.karyotype).astype("string")


def _lost(women: pd.DataFrame, karyotype: pd.Series, settings: Settings) -> np.ndarray:
    """Pregnancies known not to have ended in the outcome, if no miscarriage did: then it is a live birth."""
    none = np.zeros(len(women), dtype=bool)
    if settings.outcome not in women:
        return none
    ended = _yes_no(women[settings.outcome], settings.outcome)
    return none if (ended[karyotype.notna().to_numpy()] == 1).any() else ended == 0


def karyotyped(women: pd.DataFrame, settings: Settings, wanted: str) -> Events:
    """Among miscarriages: whether the karyotype is the one wanted (euploid, aneuploid); NaN when not tested.

    A pregnancy ended in a miscarriage when there is a karyotype, be it "not tested", or when there was no
    live birth.
    """
    karyotype = _karyotype(women, settings)
    tested = karyotype.isin(["euploid", "aneuploid"]).to_numpy()
    values = np.where(tested, karyotype.eq(wanted).fillna(False).to_numpy(dtype=float), np.nan)
    eligible = karyotype.notna().to_numpy() | _lost(women, karyotype, settings)
    return Events(values, eligible, "karyotyped miscarriages", "not karyotyped left out")


def ended(women: pd.DataFrame, miscarriages: Events, settings: Settings) -> np.ndarray:
    """Of which women it is known how the pregnancy ended."""
    if settings.outcome not in women:
        return np.ones(len(women), dtype=bool)
    return women[settings.outcome].notna().to_numpy() | miscarriages.eligible


def miscarriage(women: pd.DataFrame, settings: Settings, wanted: str) -> Events:
    """Among all pregnancies: whether it ended in a miscarriage of that karyotype; NaN when that is not known.

    Of a euploid one this is the treatment failure of Han et al. 2025, Table 3.
    """
    column(women, settings.outcome)  # without it nobody is known not to have miscarried
    among_miscarriages = karyotyped(women, settings, wanted)
    known = ended(women, among_miscarriages, settings)
    values = np.where(among_miscarriages.eligible, among_miscarriages.values, np.where(known, 0.0, np.nan))
    return Events(
        values,
        np.ones(len(women), dtype=bool),
        "women but those whose miscarriage was not karyotyped",
        "not karyotyped or of unknown outcome left out",
    )


def groups(women: pd.DataFrame, settings: Settings) -> Levels | None:
    """The levels of the grouping column, in the order of the category, of the labels, or of the alphabet.

    Returns:
        None when the cohort is analysed as a whole.

    Raises:
        NotEstimable: there is no such column, or it has too many levels to be a grouping.
    """
    if settings.group is None:
        return None
    values = column(women, settings.group)
    if isinstance(values.dtype, pd.CategoricalDtype):
        codes, names = values.cat.codes.to_numpy(), [str(level) for level in values.cat.categories]
    else:
        codes, found = pd.factorize(values.astype("string"), sort=True)
        order = {name: place for place, name in enumerate(settings.group_labels)}
        places = sorted(range(len(found)), key=lambda place: (order.get(found[place], len(order)), place))
        names = [str(found[place]) for place in places]
        codes = np.where(codes < 0, UNKNOWN, np.argsort(places)[codes] if len(places) else UNKNOWN)
    if not names:
        raise NotEstimable(f"{settings.group} is unknown for all women")
    if len(names) > MOST_GROUPS:
        raise NotEstimable(
            f"{settings.group} has {len(names)} levels; more than {MOST_GROUPS} are not compared"
        )
    return Levels(settings.group, tuple(names), codes.astype(np.int64))


def whole(women: pd.DataFrame) -> Levels:
    """All women as one level."""
    return Levels(EVERYONE, (EVERYONE,), np.zeros(len(women), dtype=np.int64))


def immunity(women: pd.DataFrame) -> Levels:
    """Abnormal and normal cellular immunity."""
    return _text_levels(column(women, "immunity"), "immunity", (ABNORMAL, NORMAL))


def immune_subgroups(women: pd.DataFrame, settings: Settings) -> Levels:
    """The immune subgroups: every combination of few markers, of many those that occur."""
    values = column(women, "subgroup")
    found = sorted(values.dropna().unique())
    listed = subgroups(settings.markers) if len(settings.markers) <= MOST_COMBINED else []
    return _text_levels(values, "subgroup", (*listed, *(name for name in found if name not in listed)))


def _text_levels(values: pd.Series, variable: str, names: tuple[str, ...]) -> Levels:
    codes = pd.Categorical(values.astype("string"), categories=list(names)).codes
    return Levels(variable, names, codes.astype(np.int64))


def by_immunity(levels: Levels | None, immunity: Levels) -> Levels:
    """Strata "GROUP normal" and "GROUP abnormal" of each group; without groups normal and abnormal."""
    if levels is None:
        return Levels(
            immunity.variable, immunity.names[::-1], np.where(immunity.codes < 0, UNKNOWN, 1 - immunity.codes)
        )
    names = tuple(f"{group} {kind}" for group in levels.names for kind in immunity.names[::-1])
    placed = (levels.codes >= 0) & (immunity.codes >= 0)
    codes = np.where(placed, 2 * levels.codes + 1 - immunity.codes, UNKNOWN)
    return Levels(f"{levels.variable} or {immunity.variable}", names, codes)


def cross(first: Levels, second: Levels) -> Levels:
    """Every level of the first with every level of the second."""
    names = tuple(f"{a}, {b}" for a in first.names for b in second.names)
    placed = (first.codes >= 0) & (second.codes >= 0)
    codes = np.where(placed, first.codes * len(second.names) + second.codes, UNKNOWN)
    return Levels(f"{first.variable} or {second.variable}", names, codes)


def history(women: pd.DataFrame, settings: Settings) -> Levels:
    """Categories of the number of earlier losses, such as 2, 3, 4+; fewer than the first are outside."""
    if settings.history is None:
        raise NotEstimable("no column of earlier losses is set")
    starts = np.asarray(settings.history_categories)
    losses = numbers(women, settings.history, settings)
    codes = np.searchsorted(starts, losses, side="right") - 1
    codes = np.where(codes < 0, OUTSIDE, codes)
    return Levels(
        settings.history,
        tuple(_range(a, b) for a, b in zip(starts, [*starts[1:], None], strict=True)),
        np.where(np.isnan(losses), UNKNOWN, codes),
        f"with fewer than {starts[0]}",
    )


def merged(categories: Levels, settings: Settings) -> Levels:
    """All categories but the last against the last, such as 2-3 and 4+."""
    starts = settings.history_categories
    if len(starts) < 2:
        return categories
    codes = np.where(categories.codes < 0, categories.codes, categories.codes == len(starts) - 1)
    names = (_range(starts[0], starts[-1]), categories.names[-1])
    return Levels(categories.variable, names, codes, categories.outside)


def _range(start: int, following: int | None) -> str:
    if following is None:
        return f"{start}+"
    return f"{start}" if following == start + 1 else f"{start}-{following - 1}"
