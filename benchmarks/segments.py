"""Whether segments say who comes back, and what they cost at scale.

    python benchmarks/segments.py returning FILE        online_retail.parquet
    python benchmarks/segments.py mixture 10000000
    python benchmarks/segments.py worlds 3 [one ...]    seeds per world, and how the names of worlds begin

`returning`: segments of the shoppers as of two days are fitted on the earlier one; each group's rate of
return within 90 days is learnt there and judged as a score of return, by ROC AUC, on the later one. Beside
it the cells and the sum of recency, frequency and value quintiles, each day's own.

`mixture`: a table of 20 columns drawn from eight groups of unequal size; seconds of CPU and peak memory to
fit on a sample and to assign everybody in SQL, and the adjusted Rand index to the groups.

`worlds`: 3,000 customers in known groups, or in one; the adjusted Rand index to them of segments with
everything left to be chosen, beside that of KMeans on standardised columns with the true number of groups.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, roc_auc_score
from sklearn.preprocessing import StandardScaler
from staging_to_features import run

from python_models.segments.assigning import segment
from python_models.segments.fitting import fit_segments

REPOSITORY = Path(__file__).resolve().parents[1]
DAYS = ("2011-06-09", "2011-09-09")
RETURN_DAYS = 90
REPLICATES = 500
# The mixture.
COLUMNS = 20
SHARES = np.array([0.30, 0.20, 0.15, 0.12, 0.10, 0.06, 0.04, 0.03])
CHUNK = 500_000
# The worlds.
WORLD_ROWS = 3_000
WORLDS = (
    "minorities",
    "minorities, no negatives",
    "minorities, lognormal",
    "five groups",
    "five groups, no negatives",
    "rare groups",
    "Poisson counts",
    "overdispersed counts",
    "five groups, 20 columns of noise",
    "five groups, one column six times",
    "one group, normal",
    "one group, correlated",
    "one group, lognormal",
    "one group, even",
    "one group, exponential",
)


def returning(file: str) -> None:
    """Print the ROC AUC of each grouping's rate of return, with the difference to the quintiles' cells."""
    with tempfile.TemporaryDirectory() as folder:
        marts = [mart_as_of(Path(folder) / day, file, day) for day in DAYS]
        declaration = declared(Path(folder) / DAYS[0])
    outcomes = [returned(file, mart, day) for mart, day in zip(marts, DAYS, strict=True)]
    share = outcomes[1].mean()
    print(f"{len(marts[1]):,} shoppers as of {DAYS[1]}, {share:.1%} come back in {RETURN_DAYS} days")
    groups = {
        "cells of the quintiles": [cells(mart) for mart in marts],
        "sum of the quintiles": [sum(quintiles(mart)) for mart in marts],
    }
    groups["segments, as the rule chooses"] = segments_of(marts, declaration)
    for count in range(6, 11):
        fixed = declaration | {"segments": declaration["segments"] | {"count": count}}
        groups[f"{count} segments"] = segments_of(marts, fixed)
    scores = {name: rates(earlier, outcomes[0], later) for name, (earlier, later) in groups.items()}
    generator = np.random.default_rng(0)
    drawn = generator.integers(0, len(marts[1]), (REPLICATES, len(marts[1])))
    reference = scores["cells of the quintiles"]
    for name, score in scores.items():
        differences = [
            roc_auc_score(outcomes[1][rows], score[rows]) - roc_auc_score(outcomes[1][rows], reference[rows])
            for rows in drawn
        ]
        lower, upper = np.quantile(differences, [0.025, 0.975])
        print(
            f"{name:<32}{len(np.unique(groups[name][0])):>4} groups  "
            f"ROC AUC {roc_auc_score(outcomes[1], score):.4f}  against the cells {lower:+.4f} to {upper:+.4f}"
        )


def mart_as_of(folder: Path, file: str, day: str) -> pd.DataFrame:
    """Build the mart of the shoppers from the lines before a day."""
    own = folder / "data/online_retail"
    own.mkdir(parents=True)
    lines = duckdb.read_parquet(file).filter(f"InvoiceDate < timestamp '{day}'")
    lines.write_parquet(str(own / "lines.parquet"))
    for other in ("app_install", "coupon", "insurance", "mail_out"):
        (folder / "data" / other).symlink_to(REPOSITORY / "data/raw" / other)
    run(folder, ["+online_retail_features"])
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as connection:
        return connection.sql("from campaigns.online_retail_features order by customer_id").df()


def declared(folder: Path) -> dict:
    """Return the campaign's declaration, as dbt parsed it."""
    manifest = json.loads((folder / "target/manifest.json").read_text())
    return manifest["nodes"]["model.leadlight.online_retail_segmenter"]["config"]["meta"]


def returned(file: str, mart: pd.DataFrame, day: str) -> np.ndarray:
    """Whether each shopper bought within 90 days from a day on."""
    bought = duckdb.sql(f"""
        select distinct cast(CustomerID as varchar) as customer_id from '{file}'
        where InvoiceDate >= '{day}' and InvoiceDate < timestamp '{day}' + interval {RETURN_DAYS} day
            and Quantity > 0 and UnitPrice > 0
    """).df()["customer_id"]
    return mart["customer_id"].isin(bought).to_numpy()


def quintiles(mart: pd.DataFrame) -> list[np.ndarray]:
    """Recency, frequency and value quintiles, 5 = best."""
    ordered = (-mart["recency_days"], mart["basket_count"], mart["total_amount"])
    return [np.ceil(5 * values.rank(method="first") / len(mart)).to_numpy(int) for values in ordered]


def cells(mart: pd.DataFrame) -> np.ndarray:
    """One of 125 cells."""
    recency, frequency, value = quintiles(mart)
    return 100 * recency + 10 * frequency + value


def segments_of(marts: list[pd.DataFrame], declaration: dict) -> list[np.ndarray]:
    """Segment of each shopper of both days, fitted on the first."""
    connection = duckdb.connect()
    for name, mart in zip(("earlier", "later"), marts, strict=True):
        connection.register(name, mart)
    connection.register("segmenters", fit_segments(connection.table("earlier"), declaration))
    found = []
    for name, mart in zip(("earlier", "later"), marts, strict=True):
        members = segment(connection.table(name), connection.table("segmenters"), declaration).df()
        found.append(members.set_index("entity_id")["segment_id"].loc[mart["customer_id"]].to_numpy())
    return found


def rates(earlier: np.ndarray, outcome: np.ndarray, later: np.ndarray) -> np.ndarray:
    """Rate of return of each later shopper's group, learnt on the earlier day; of all where it is new."""
    learnt = pd.Series(outcome).groupby(earlier).mean()
    return pd.Series(later).map(learnt).fillna(outcome.mean()).to_numpy()


def mixture(rows: int) -> None:
    """Print CPU seconds and memory to fit on a sample and to assign everybody."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "customers.parquet"
        write_mixture(file, rows)
        # a process of its own: the memory of writing is not that of assigning
        subprocess.run([sys.executable, __file__, "measure", str(file), folder], check=True)


def write_mixture(file: Path, rows: int) -> None:
    """Write customers from eight normal distributions, each with its true group."""
    generator = np.random.default_rng(1)
    centres = generator.normal(0, 2, (len(SHARES), COLUMNS))
    writer = None
    for start in range(0, rows, CHUNK):
        count = min(CHUNK, rows - start)
        group = generator.choice(len(SHARES), count, p=SHARES)
        values = centres[group] + generator.normal(size=(count, COLUMNS))
        columns = {"customer_id": np.arange(start, start + count), "true_group": group}
        columns |= {f"feature_{number}": values[:, number] for number in range(COLUMNS)}
        table = pa.table(columns)
        writer = writer or pq.ParquetWriter(file, table.schema)
        writer.write_table(table)
    if writer:
        writer.close()


def measure(file: str, folder: str) -> None:
    """Fit and assign in this process."""
    features = {f"feature_{number}": [] for number in range(COLUMNS)}
    meta = {
        "campaign": "mixture",
        "title": "Mixture",
        "question": "Which group?",
        "source": "mixture",
        "source_note": "Drawn.",
        "entity": "customer_id",
        "segments": {"entity": "customer_id", "columns": features, "min": 8, "max": 8},
    }
    connection = duckdb.connect(f"{folder}/work.duckdb")
    connection.execute("set memory_limit = '600MB'; set threads = 1; set preserve_insertion_order = false")
    connection.read_parquet(file).create_view("customers")
    start = time.process_time()
    fitted = fit_segments(connection.table("customers"), meta)
    fit_seconds = time.process_time() - start
    row = fitted.to_pylist()[0]
    connection.execute(f"create table drawn as from customers limit {row['fitted_rows']}")
    start = time.process_time()
    fit_segments(connection.table("drawn"), meta)
    alone_seconds = time.process_time() - start
    connection.register("fitted", fitted)
    connection.execute("create table segmenters as from fitted")
    start = time.process_time()
    members = segment(connection.table("customers"), connection.table("segmenters"), meta)
    members.create("members")
    assign_seconds = time.process_time() - start
    count = row["customer_rows"]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    pairs = connection.sql("""
        select true_group, segment_id, count(*) as n from customers
        inner join members on members.entity_id = cast(customers.customer_id as varchar)
        where hash(customers.customer_id) % 50 = 0 group by all
    """).df()
    agreement = adjusted_rand_score(
        pairs["true_group"].repeat(pairs["n"]), pairs["segment_id"].repeat(pairs["n"])
    )
    print(
        f"{count:,} rows: sample of {row['fitted_rows']:,}, halves agree {row['sample_agreement']:.3f}; "
        f"fitting {alone_seconds:.1f} CPU s, {fit_seconds:.1f} with drawing it and hashing the table\n"
        f"assigned in {assign_seconds:.1f} CPU s ({count / assign_seconds:,.0f} rows a CPU s), "
        f"adjusted Rand index {agreement:.4f}, peak {peak:.2f} GiB"
    )


def apart(generator: np.random.Generator, shares: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """Draw groups 6 standard deviations from the first one, each along one of four columns."""
    group = generator.choice(len(shares), WORLD_ROWS, p=shares)
    centres = 6 * np.eye(5)[: len(shares), 1:]
    return centres[group] + generator.normal(size=(WORLD_ROWS, 4)), group


def counts(generator: np.random.Generator, is_overdispersed: bool) -> tuple[np.ndarray, np.ndarray]:
    """Draw purchases of four kinds: one each, or twelve of one kind; overdispersed by unequal customers."""
    group = generator.choice(5, WORLD_ROWS, p=[0.4, 0.2, 0.15, 0.15, 0.1])
    means = (np.ones((5, 4)) + 11 * np.eye(5)[:, 1:])[group]
    if is_overdispersed:
        means = means * generator.gamma(3, 1 / 3, (WORLD_ROWS, 1))
    return generator.poisson(means).astype(float), group


def world(name: str, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Values and group of the customers of a world."""
    if name == "Poisson counts":
        return counts(generator, is_overdispersed=False)
    if name == "overdispersed counts":
        return counts(generator, is_overdispersed=True)
    if name.startswith("one group"):
        values = generator.normal(size=(WORLD_ROWS, 4))
        shapes = {
            "one group, normal": values,
            "one group, correlated": values @ np.array([[1, 0.7, 0.5, 0.2]] + [[0, 0.7, 0.3, 0.1]] * 3),
            "one group, lognormal": np.exp(values + 3),
            "one group, even": generator.uniform(size=(WORLD_ROWS, 3)),
            "one group, exponential": generator.exponential(size=(WORLD_ROWS, 4)),
        }
        return shapes[name], np.zeros(WORLD_ROWS, int)
    shares = {"minorities": [0.3, 0.3, 0.2, 0.2], "rare groups": [0.5, 0.2, 0.15, 0.1, 0.05]}
    values, group = apart(generator, shares.get(name.split(",")[0], [0.2] * 5))
    if name.endswith("no negatives"):
        return np.maximum(values + 4, 0), group
    if name.endswith("20 columns of noise"):
        return np.hstack([values, generator.normal(size=(WORLD_ROWS, 20))]), group
    if name.endswith("one column six times"):
        return np.hstack([values, *[values[:, :1]] * 5]), group
    return (np.exp(values / 2 + 3) if name.endswith("lognormal") else values), group


def worlds(seeds: int, beginnings: tuple[str, ...]) -> None:
    """Print the mean adjusted Rand index of each world, and the CPU seconds of a fit."""
    for name in [name for name in WORLDS if name.startswith(beginnings or "")]:
        rows = []
        for seed in range(seeds):
            values, group = world(name, np.random.default_rng(seed))
            start = time.process_time()
            found = segments_of_values(values)
            seconds = time.process_time() - start
            known = len(np.unique(group))
            plain = KMeans(known, n_init=10, random_state=0).fit_predict(
                StandardScaler().fit_transform(values)
            )
            rows.append(
                (
                    adjusted_rand_score(group, found),
                    adjusted_rand_score(group, plain),
                    len(np.unique(found)),
                    seconds,
                )
            )
        own, plain, number, seconds = np.mean(rows, axis=0)
        print(
            f"{name:<36} {known} groups: {number:.1f} segments, adjusted Rand index {own:.3f}, "
            f"KMeans {plain:.3f}; {seconds:.1f} CPU s",
            flush=True,
        )


def segments_of_values(values: np.ndarray) -> np.ndarray:
    """Segment of each row, with everything left to be chosen."""
    frame = pd.DataFrame(values, columns=[f"feature_{number}" for number in range(values.shape[1])])
    meta = dict.fromkeys(("campaign", "title", "question", "source", "source_note"), "world")
    meta |= {"entity": "customer_id"}
    meta |= {"segments": {"entity": "customer_id", "columns": {name: [] for name in frame}}}
    frame["customer_id"] = [f"{number:06d}" for number in range(len(frame))]
    return segments_of([frame, frame], meta)[0]


if __name__ == "__main__":
    verb, *arguments = sys.argv[1:]
    if verb == "returning":
        returning(*arguments)
    elif verb == "mixture":
        mixture(int(arguments[0]))
    elif verb == "worlds":
        worlds(int(arguments[0]), tuple(arguments[1:]))
    else:
        measure(*arguments)
