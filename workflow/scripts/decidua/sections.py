"""Which function tells, in the report, of a cohort, a study, a paper, ...?"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from decidua.outcome_report import prediction_chapter
from decidua.report import Figure, Section, audit_section, cohort_section
from decidua.study_report import prediction_section, study_section, transport_section


def section(
    entry: Mapping[str, Any], tables: Mapping[str, pd.DataFrame], figures: Sequence[Figure]
) -> Section:
    """The section of the report on an entry.

    Args:
        entry: kind, name, title, synthetic; of women also labels, of cohorts outcome and rule.
        tables: by file name.

    Raises:
        ValueError: there is no such kind.
    """
    common = (entry["name"], entry["title"], entry["synthetic"])
    match entry["kind"]:
        case "cohorts":
            settings = (entry["labels"], entry["outcome"], entry["rule"])
            return cohort_section(*common, tables, figures, *settings)
        case "prediction":
            return prediction_chapter(*common, tables, figures, entry["labels"])
        case "studies":
            return study_section(*common, tables, figures)
        case "predictions":
            return prediction_section(*common, tables, figures)
        case "transport":
            return transport_section(*common, tables["transport"], figures)
        case "papers":
            # A paper may have the name of the cohort that stands for it; links need names of their own.
            name, *rest = common
            return audit_section(f"audit-{name}", *rest, tables["audit"], tables["conflicts"], figures)
    raise ValueError(f"no such kind of section: {entry['kind']}")
