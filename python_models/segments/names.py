"""Profiles of segments, and names made of what distinguishes them."""

from typing import Any

import numpy as np
import pandas as pd

from python_models.common.campaign import Segmentation
from python_models.segments.space import categories, frequent, is_skewed

# In standard deviations: smaller differences from the overall mean are not named.
MIN_DIFFERENCE = 0.25
# Columns correlated at least this much count as redundant in a name.
MIN_REDUNDANT_CORRELATION = 0.6
MAX_GROUPING_PHRASES = 2
MAX_CORRELATED_ROWS = 2_000
# The name of the only segment.
EVERYBODY = "everybody"


def profiles(frame: pd.DataFrame, texts: list[str], segment_ids: np.ndarray) -> list[dict[str, Any]]:
    """Return the mean (or most over-represented category) of each feature in each segment and overall.

    Returns
    -------
    list of dict
        One per segment and feature: segment_id, feature, segment_mean, overall_mean, top_category,
        standardised_difference: (segment mean - overall mean) / overall standard deviation, of ranks for a
        skewed number, and of the 0/1 column for a category.
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
        for segment_id, segment_means in means.iterrows():
            top = differences.loc[segment_id].idxmax()
            rows.append(
                {
                    "segment_id": int(str(segment_id)),
                    "feature": name,
                    "segment_mean": number_or_none(segment_means[top]),
                    "overall_mean": number_or_none(overall[top]),
                    "standardised_difference": float(differences.loc[segment_id, top]),
                    "top_category": str(top) if name in texts else None,
                }
            )
    return rows


def number_or_none(value: Any) -> float | None:
    """Return a mean as a float, or None if no row has a value."""
    return None if pd.isna(value) else float(value)


def rank_correlations(frame: pd.DataFrame, texts: list[str]) -> pd.DataFrame:
    """Return the absolute rank correlation of each pair of numbers; missing values rank in the middle."""
    numbers = frame[[name for name in frame.columns if name not in texts]].head(MAX_CORRELATED_ROWS)
    ranks = numbers.astype("Float64").astype(float).rank(pct=True).fillna(0.5)
    varying = ranks.loc[:, ranks.std() > 0]
    if varying.empty:
        return pd.DataFrame()
    correlation = np.abs(np.corrcoef(varying.to_numpy(), rowvar=False))
    return pd.DataFrame(np.atleast_2d(correlation), varying.columns, varying.columns)


def name_segments(
    rows: list[dict[str, Any]],
    segmentation: Segmentation,
    correlations: pd.DataFrame,
    existing: dict[int, str],
) -> dict[int, str]:
    """Return a unique name per segment, made of the phrases that distinguish it most.

    Parameters
    ----------
    rows : list of dict
        The segments' `profiles`.
    segmentation : Segmentation
        Declared words, and the columns that only describe.
    correlations : frame
        `rank_correlations` of the columns.
    existing : dict
        Names that segments already have.
    """
    if len({row["segment_id"] for row in rows}) == 1:
        return {rows[0]["segment_id"]: EVERYBODY}
    names = dict(existing)
    # names with the same phrases in another order count as duplicates
    used = {frozenset(name.split(", ")) for name in existing.values()}
    for segment_id in sorted({row["segment_id"] for row in rows} - set(existing)):
        own = [row for row in rows if row["segment_id"] == segment_id]
        phrases = distinguishing_phrases(own, segmentation, correlations) or ["like everybody"]
        length = MAX_GROUPING_PHRASES + 1
        while frozenset(phrases[:length]) in used and length < len(phrases):
            length += 1
        if frozenset(phrases[:length]) in used:
            phrases, length = [*phrases, f"no. {segment_id}"], len(phrases) + 1
        used.add(frozenset(phrases[:length]))
        names[segment_id] = ", ".join(phrases[:length])
    return names


def distinguishing_phrases(
    rows: list[dict[str, Any]], segmentation: Segmentation, correlations: pd.DataFrame
) -> list[str]:
    """Return the phrases that describe one segment, those for its name first."""
    # columns with declared words first, then by difference
    ranked = sorted(
        (
            row
            for row in rows
            if abs(row["standardised_difference"]) >= MIN_DIFFERENCE and phrase_for(row, segmentation)
        ),
        key=lambda row: (
            not segmentation.all_words.get(row["feature"]),
            -abs(row["standardised_difference"]),
            row["feature"],
        ),
    )
    grouping = [row for row in ranked if row["feature"] not in segmentation.profile]
    describing = [row for row in ranked if row["feature"] in segmentation.profile]
    selected: list[dict[str, Any]] = []
    for row in grouping:
        if not any(is_redundant(row["feature"], other["feature"], correlations) for other in selected):
            selected.append(row)
    count = MAX_GROUPING_PHRASES
    chosen = selected[:count] + describing[:1] + selected[count:] + describing[1:]
    return list(dict.fromkeys(phrase_for(row, segmentation) for row in chosen))


def is_redundant(name: str, other: str, correlations: pd.DataFrame) -> bool:
    """Return whether two number columns are strongly correlated."""
    known = name in correlations.index and other in correlations.index
    return bool(known and correlations.loc[name, other] >= MIN_REDUNDANT_CORRELATION)


def phrase_for(row: dict[str, Any], segmentation: Segmentation) -> str:
    """Return the declared phrase for a high or low feature, or for a category; empty if it has none."""
    words = segmentation.all_words.get(row["feature"], [])
    if row["top_category"] is not None:
        return (words[0] if words else "{}").format(row["top_category"])
    low, high = words or (f"low {row['feature']}", f"high {row['feature']}")
    return (high if row["standardised_difference"] > 0 else low).replace("_", " ")
