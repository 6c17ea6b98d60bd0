"""What sets a segment apart, and what a marketer would call it."""

from typing import Any

import numpy as np
import pandas as pd

from python_models.common.campaign import Segmentation
from python_models.segments.space import categories, frequent, is_skewed

# In standard deviations: a smaller difference from everybody names nothing.
LEAST_DIFFERENCE = 0.25
# A column that says much the same as one that is already in the name.
SAME_THING = 0.6
WORDS_OF_COLUMNS = 2
CORRELATED_ROWS = 2_000


def profiles(frame: pd.DataFrame, texts: list[str], segment_ids: np.ndarray) -> list[dict[str, Any]]:
    """Mean (or most over-represented category) of each feature in each segment, against everybody.

    Returns
    -------
    list of dict
        One per segment and feature: segment_id, feature, segment_mean, overall_mean, top_category,
        standardised_difference: (segment mean - overall mean) / overall standard deviation, of the ranks
        where a number is skewed; of a category, the same of its 0/1 column.
    """
    rows = []
    for name in frame.columns:
        if name in texts:
            text = categories(frame[name])
            values = pd.DataFrame({category: (text == category).astype(float) for category in frequent(text)})
            compared = values
            if values.empty:
                continue
        else:
            values = frame[[name]].astype("Float64").astype(float)
            compared = values.rank() if is_skewed(values[name]) else values
        overall, means = values.mean(), values.groupby(segment_ids).mean()
        deviation = compared.std(ddof=0).replace(0, 1).fillna(1)
        differences = ((compared.groupby(segment_ids).mean() - compared.mean()) / deviation).fillna(0)
        for segment_id, here in means.iterrows():
            top = differences.loc[segment_id].idxmax()
            rows.append(
                {
                    "segment_id": int(str(segment_id)),
                    "feature": name,
                    "segment_mean": number_or_none(here[top]),
                    "overall_mean": number_or_none(overall[top]),
                    "standardised_difference": float(differences.loc[segment_id, top]),
                    "top_category": str(top) if name in texts else None,
                }
            )
    return rows


def number_or_none(value: Any) -> float | None:
    """A mean, or none where nobody has a value."""
    return None if pd.isna(value) else float(value)


def likeness(frame: pd.DataFrame, texts: list[str]) -> pd.DataFrame:
    """Absolute rank correlation of each pair of numbers; a missing one ranks in the middle."""
    numbers = frame[[name for name in frame.columns if name not in texts]].head(CORRELATED_ROWS)
    ranks = numbers.astype("Float64").astype(float).rank(pct=True).fillna(0.5)
    varying = ranks.loc[:, ranks.std() > 0]
    if varying.empty:
        return pd.DataFrame()
    correlation = np.abs(np.corrcoef(varying.to_numpy(), rowvar=False))
    return pd.DataFrame(np.atleast_2d(correlation), varying.columns, varying.columns)


def name_segments(
    rows: list[dict[str, Any]],
    segmentation: Segmentation,
    alike: pd.DataFrame,
    kept: dict[int, str],
) -> dict[int, str]:
    """A unique name per segment: two things that set it apart most and differ, and what else it is like.

    Parameters
    ----------
    rows : list of dict
        What `profiles` returned.
    segmentation : Segmentation
        The words, and which columns only describe.
    alike : frame
        What `likeness` returned.
    kept : dict
        Names of segments that have one already.
    """
    names = dict(kept)
    taken = {frozenset(name.split(", ")) for name in kept.values()}
    for segment_id in sorted({row["segment_id"] for row in rows} - set(kept)):
        mine = [row for row in rows if row["segment_id"] == segment_id]
        words = telling_words(mine, segmentation, alike) or ["like everybody"]
        length = WORDS_OF_COLUMNS + 1
        # the same words in another order are no other name
        while frozenset(words[:length]) in taken and length < len(words):
            length += 1
        if frozenset(words[:length]) in taken:
            words, length = [*words, f"no. {segment_id}"], len(words) + 1
        taken.add(frozenset(words[:length]))
        names[segment_id] = ", ".join(words[:length])
    return names


def telling_words(rows: list[dict[str, Any]], segmentation: Segmentation, alike: pd.DataFrame) -> list[str]:
    """The words of one segment, those for its name first."""
    # what somebody has found words for comes first, then what differs most
    ranked = sorted(
        (
            row
            for row in rows
            if abs(row["standardised_difference"]) >= LEAST_DIFFERENCE and word(row, segmentation)
        ),
        key=lambda row: (
            not segmentation.all_words.get(row["feature"]),
            -abs(row["standardised_difference"]),
            row["feature"],
        ),
    )
    grouping = [row for row in ranked if row["feature"] not in segmentation.profile]
    describing = [row for row in ranked if row["feature"] in segmentation.profile]
    told: list[dict[str, Any]] = []
    for row in grouping:
        if not any(same_thing(row["feature"], other["feature"], alike) for other in told):
            told.append(row)
    chosen = told[:WORDS_OF_COLUMNS] + describing[:1] + told[WORDS_OF_COLUMNS:] + describing[1:]
    return list(dict.fromkeys(word(row, segmentation) for row in chosen))


def same_thing(name: str, other: str, alike: pd.DataFrame) -> bool:
    """Two numbers that rise and fall together."""
    return name in alike.index and other in alike.index and alike.loc[name, other] >= SAME_THING


def word(row: dict[str, Any], segmentation: Segmentation) -> str:
    """What a marketer calls a feature that is high or low, in the declaration's words; empty says nothing."""
    words = segmentation.all_words.get(row["feature"], [])
    if row["top_category"] is not None:
        return (words[0] if words else "{}").format(row["top_category"])
    low, high = words or (f"low {row['feature']}", f"high {row['feature']}")
    return (high if row["standardised_difference"] > 0 else low).replace("_", " ")
