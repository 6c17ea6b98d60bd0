"""Rates of interest topics: credible intervals, which hold for the topics of a level together."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from benchmarks.coverage.measuring import Coverage, build, coverage_of, is_within

# Topics of the first level, and of each topic below.
FIRST, BELOW = 12, 4


def measure_topics(compiled: Path, draws: int) -> Iterator[Coverage]:
    """Devices with one interest each, in a topic of the second level."""
    for rate, devices, spread in ((0.05, 400, 0.5), (0.05, 400, 0.1), (0.005, 1_000, 0.5)):
        generator = np.random.default_rng(devices)
        topics = leaves(generator, draws, rate, devices, spread)
        parents = summed(topics, ["campaign", "parent_path"], 1)
        everybody = summed(topics, ["campaign"], 0)
        truth = pd.concat([topics, parents, everybody]).assign(first_device_key=0)
        counts = truth.drop(columns="rate")
        tables = {"campaigns.display_ads_topic_counts": counts}
        [found] = build(compiled, ["converters/conversion_topics"], tables)
        found = found.merge(truth[["campaign", "topic_path", "rate"]], on=["campaign", "topic_path"])
        about = f"{FIRST} topics of {BELOW} each, {devices:,} devices on average, rate {rate:.1%}"
        about += f", log-odds differ by {spread:g}"
        names = ("conversion_topics.shrunk_rate", about, "device", "beta, empirical Bayes")
        yield coverage_of(names, found["campaign"], is_within(found, found["rate"]))


def leaves(
    generator: np.random.Generator, draws: int, rate: float, devices: int, spread: float
) -> pd.DataFrame:
    """Return the topics of the second level, their sizes as different as those of interests are."""
    shape = (draws, FIRST, BELOW)
    log_odds = logit(rate) + spread * generator.normal(size=(draws, FIRST, 1))
    true = expit(log_odds + spread * generator.normal(size=shape))
    rows = 1 + generator.poisson(devices * generator.gamma(0.5, 2, shape))
    campaign, first, second = (index.ravel() for index in np.indices(shape))
    frame = pd.DataFrame({"campaign": campaign.astype(str), "row_count": rows.ravel(), "rate": true.ravel()})
    frame["parent_path"] = [f"/{number}" for number in first]
    frame["topic_path"] = [f"/{number}/{below}" for number, below in zip(first, second, strict=True)]
    return frame.assign(depth=2, converted=generator.binomial(rows, true).ravel())


def summed(topics: pd.DataFrame, keys: list[str], depth: int) -> pd.DataFrame:
    """Return the topics above: their devices are those of the topics below."""
    rows = topics.assign(expected=topics["rate"] * topics["row_count"]).groupby(keys, as_index=False)
    above = rows[["row_count", "converted", "expected"]].sum()
    above["rate"] = above.pop("expected") / above["row_count"]
    if depth == 0:
        return above.assign(topic_path="", parent_path=None, depth=0)
    return above.rename(columns={"parent_path": "topic_path"}).assign(parent_path="", depth=1)
