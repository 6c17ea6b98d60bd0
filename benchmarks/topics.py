"""How near the rates of interest topics come to the true ones, and how often what is claimed of them holds.

After `make build` with the default input. The true rate of a topic is the mean true probability of its
devices with a known outcome. The build has one draw of outcomes; the model's own SQL runs on more of them,
drawn anew from the true probabilities.

    python benchmarks/topics.py [warehouse.duckdb [FOLDER/truth [DRAWS]]]
"""

import os
import sys
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from python_models.engines.duckdb.statistics import Plugin

COMPILED = "compiled/leadlight/models/results/converters/conversion_topics.sql"
COUNTS = '"warehouse"."campaigns"."display_ads_topic_counts"'


def copy_known_devices(connection: duckdb.DuckDBPyConnection, truths: str) -> None:
    """Per device with a known outcome: its true probability, and its topics with all above them."""
    connection.sql(f"""
        create temp table topics as
        select
            topic_number,
            [path for path in paths if starts_with(concat(topic_path, '/'), concat(path, '/'))] as paths,
        from warehouse.staging.stg_display_ads__interest_topics
        cross join (select list(topic_path) as paths from warehouse.staging.stg_display_ads__interest_topics);

        create temp table shown as
        select device_key, list_distinct(flatten(list(paths))) as paths
        from warehouse.campaigns.display_ads_interests
        inner join topics using (topic_number)
        group by device_key;

        create temp table devices as
        select device_key, true_probability, has_converted, [''] || coalesce(paths, []) as paths
        from warehouse.staging.stg_display_ads__devices
        inner join '{truths}/display_ads/*.parquet' using (device_id)
        left join shown using (device_key)
        where has_converted is not null
    """)
    connection.sql("""
        create temp table true_rates as
        select topic_path, avg(true_probability) as true_rate, count(*) as row_count
        from (select unnest(paths) as topic_path, true_probability from devices)
        group by topic_path
    """)


def rates_of_draw(connection: duckdb.DuckDBPyConnection, model: str, draw: int) -> pd.DataFrame:
    """Return the model's rates and the true ones; draw 0 uses the outcomes that the build knows."""
    uniform = "hash(xor(hash(device_key), 7919::ubigint * $draw)) / 18446744073709551616.0"
    has_converted = "has_converted" if draw == 0 else f"{uniform} < true_probability"
    connection.execute(
        f"""
        create or replace temp table drawn as
        select
            'display_ads' as campaign, topic_path,
            if(topic_path = '', null, regexp_replace(topic_path, '/[^/]*$', '')) as parent_path,
            len(string_split(topic_path, '/')) - 1 as depth, row_count, coalesce(converted, 0) as converted
        from true_rates
        left join (
            select topic_path, count(*) as converted
            from (select unnest(paths) as topic_path from devices where {has_converted})
            group by topic_path
        ) using (topic_path)
        """,
        {} if draw == 0 else {"draw": draw},
    )
    return connection.sql(
        f"select rates.*, true_rate from ({model}) as rates inner join true_rates using (topic_path)"
    ).df()


def drawn_to_the_base_rate(level: pd.DataFrame) -> pd.Series:
    """Shrink rates to the base rate, less so if topics of the level differ from it beyond chance."""
    base_rate = (level["shrunk_rate"] / level["lift"]).iloc[0]
    expected = level["row_count"] * base_rate
    weight = 1 / np.maximum(1, expected)
    beyond_chance = (level["converted"] - expected) ** 2 - expected
    spread = max(1e-9, (weight * beyond_chance).sum() / (weight * expected**2).sum())
    return (level["converted"] + 1 / spread) / (level["row_count"] + 1 / (spread * base_rate))


def measures_of(rates: pd.DataFrame) -> pd.DataFrame:
    """One row per level. Errors are weighted by rows and in conversions per 100,000 rows."""
    rows = {}
    for depth, level in rates.groupby("depth"):
        truth = level["true_rate"]

        def error(rate: pd.Series, truth: pd.Series = truth, level: pd.DataFrame = level) -> float:
            return 1e10 * np.average((rate - truth) ** 2, weights=level["row_count"])

        is_best = truth.rank(ascending=False) <= 5
        is_sure = level["probability_in_best_five"] >= 0.9
        is_open = level["probability_in_best_five"].between(0.5, 0.9, inclusive="left")
        rows[depth] = {
            "topics": len(level),
            "raw": error(level["conversion_rate"]),
            "to base rate": error(drawn_to_the_base_rate(level)),
            "along the tree": error(level["shrunk_rate"]),
            "covered": truth.between(level["lower"], level["upper"]).mean(),
            "sure": is_sure.sum(),
            "sure, true": (is_sure & is_best).sum(),
            "likely": is_open.sum(),
            "likely, expected": level.loc[is_open, "probability_in_best_five"].sum(),
            "likely, true": (is_open & is_best).sum(),
        }
    return pd.DataFrame(rows).T


def rounded(measures: pd.DataFrame) -> str:
    """Errors as roots of mean squares."""
    errors = ["raw", "to base rate", "along the tree"]
    return measures.assign(**np.sqrt(measures[errors])).round(3).to_string()


def main(warehouse: str = "warehouse.duckdb", truths: str = "data/truth", draws: str = "50") -> None:
    compiled = Path(os.environ.get("DBT_TARGET_PATH", "dbt_project/target")) / COMPILED
    model = compiled.read_text().replace(COUNTS, "drawn")
    with duckdb.connect() as connection:
        Plugin("statistics", {}).configure_connection(connection)
        connection.execute(f"attach '{warehouse}' as warehouse (read_only)")
        copy_known_devices(connection, truths)
        print("The build's outcomes:", rounded(measures_of(rates_of_draw(connection, model, 0))), sep="\n")
        drawn = [measures_of(rates_of_draw(connection, model, draw)) for draw in range(1, int(draws) + 1)]
    # claims are counted over all draws, the rest is averaged
    whole = pd.concat(drawn).groupby(level=0)
    summary = whole.mean()
    counts = ["sure", "sure, true", "likely", "likely, expected", "likely, true"]
    summary[counts] = whole.sum()[counts]
    print(f"{draws} draws of outcomes:", rounded(summary), sep="\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
