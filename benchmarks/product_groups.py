"""How often the ten products nearest to one of a later basket hold another of it, by measure of likeness.

Neighbours are found on the baskets before a day and judged on those from it on: hit@10 is the share of the
products in these baskets that have another product of the basket among their ten nearest. Products that were
in fewer than ten baskets before do not count, nor do baskets of fewer than two or more than sixty products:
those are restocked shelves. Seconds are those of finding the points, one thread.
Then the groups of the whole file: sizes, lift of co-purchase inside groups, and fifty pairs to judge by eye.

    python benchmarks/product_groups.py FOLDER/online_retail.parquet [2011-09-09]
"""

import sys
import time

import duckdb
import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import normalize
from threadpoolctl import threadpool_limits

from python_models.segments.product_groups import (
    DIMENSIONS,
    PULL,
    WEIGHT_OF_BASKETS,
    embed,
    group_products,
    incidence,
    read_sales,
    term_weights,
    weight_baskets,
    words_of,
)

SOURCE = "online_retail"
FROM = "2011-09-09"
NEAREST = 10
LEAST_BASKETS = 10
LARGEST_BASKET = 60
GROUPS = 12
SHOWN_PAIRS = 50


def read_shop(file: str) -> tuple[duckdb.DuckDBPyRelation, duckdb.DuckDBPyRelation]:
    """Transactions and products of a file of invoice lines, as the warehouse has them."""
    connection = duckdb.connect()
    connection.read_parquet(file).to_table("lines")
    connection.execute(f"""
        create table transactions as
        select
            '{SOURCE}' as source, InvoiceNo as basket_id, upper(StockCode) as product_id,
            InvoiceDate as purchased_at, Quantity * UnitPrice as amount, Description as description,
            case
                when Quantity < 0 then 'return'
                when Quantity > 0 and UnitPrice > 0 then 'purchase'
                else 'void'
            end as line_kind
        from lines
    """)
    connection.execute("""
        create table products as
        select source, product_id, description, regexp_matches(product_id, '^[0-9]{5}') as is_merchandise
        from transactions
        where line_kind = 'purchase'
        group by source, product_id, description
        qualify row_number() over (
            partition by product_id order by description is null, count(*) desc, description
        ) = 1
    """)
    return connection.table("transactions"), connection.table("products")


def nearest(likeness: np.ndarray) -> np.ndarray:
    """Return the ten other products most similar to each product, products x 10."""
    likeness = likeness.copy()
    np.fill_diagonal(likeness, -np.inf)
    return np.argpartition(-likeness, NEAREST, axis=1)[:, :NEAREST]


def most_sold(bought: np.ndarray) -> np.ndarray:
    """Return the ten best-selling other products for each product, products x 10."""
    top = np.argsort(-bought, kind="stable")[: NEAREST + 1]
    return np.array([top[top != product][:NEAREST] for product in range(len(bought))])


def hit_rate(near: np.ndarray, later: pd.DataFrame, product_ids: pd.Series) -> float:
    """hit@10 of neighbours on later baskets (basket_id, product_id; each pair once)."""
    known = later[later["product_id"].isin(product_ids)]
    known = known[known.groupby("basket_id")["product_id"].transform("size").between(2, LARGEST_BASKET)]
    baskets = pd.factorize(known["basket_id"], sort=True)[0]
    products = pd.Index(product_ids).get_indexer(known["product_id"])
    inside = baskets * len(product_ids) + products
    hits = np.isin(baskets[:, None] * len(product_ids) + near[products], inside).any(axis=1)
    return float(hits.mean())


def lift_inside(bought_in: sparse.csr_matrix, groups: np.ndarray) -> tuple[float, float]:
    """Mean lift of co-purchase of two products of one group, and of two of different groups.

    Lift is baskets with both x all baskets / (baskets with one x baskets with the other); of products that
    were in `LEAST_BASKETS` at least.
    """
    often = np.asarray(bought_in.sum(axis=1)).ravel() >= LEAST_BASKETS
    bought_in, groups = bought_in[often], groups[often]
    counts = np.asarray(bought_in.sum(axis=1)).ravel()
    lift = (bought_in @ bought_in.T).toarray() * bought_in.shape[1] / np.outer(counts, counts)
    alike = groups[:, None] == groups[None, :]
    np.fill_diagonal(lift, np.nan)
    return float(np.nanmean(lift[alike])), float(np.nanmean(lift[~alike]))


def letters_of(text: pd.Series) -> sparse.csr_matrix:
    """TF-IDF of runs of three to five letters, products x runs."""
    return TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True).fit_transform(text)


def dense(rows: sparse.csr_matrix) -> np.ndarray:
    """Cosine of rows of length 1 with each other."""
    return (rows @ rows.T).toarray()


@threadpool_limits.wrap(limits=1)
def main(file: str, day: str = FROM) -> None:
    transactions, products = read_shop(file)
    earlier = transactions.filter(f"purchased_at < timestamp '{day}'")
    sold, bought = read_sales(earlier, products, SOURCE)
    baskets = bought["product_id"].value_counts()
    sold = sold[sold["product_id"].map(baskets).fillna(0) >= LEAST_BASKETS].reset_index(drop=True)
    bought = bought[bought["product_id"].isin(sold["product_id"])]
    later = read_sales(transactions.filter(f"purchased_at >= timestamp '{day}'"), products, SOURCE)[1]
    bought_in = incidence(bought, sold["product_id"])
    words = words_of(sold["description"])
    text = sold["description"].fillna("")
    plain = normalize(bought_in)
    together = weight_baskets(bought_in)
    terms = term_weights(words)
    letters = letters_of(text)
    print(
        f"{len(sold):,} products, {bought_in.shape[1]:,} baskets before {day}, hit@10 on those from then on"
    )

    def report(title: str, near: np.ndarray) -> None:
        print(f"{title:<58}{hit_rate(near, later, sold['product_id']):.4f}", flush=True)

    report("popularity", most_sold(np.asarray(bought_in.sum(axis=1)).ravel()))
    report("words, TF-IDF", nearest(dense(TfidfVectorizer().fit_transform(text))))
    report("words, TF-IDF, telling and singular", nearest(dense(terms)))
    report("co-purchase cosine", nearest(dense(plain)))
    report("co-purchase cosine, damped", nearest(dense(together)))
    start = time.process_time()
    near = nearest(0.8 * dense(weight_baskets(bought_in)) + 0.2 * dense(letters_of(text)))
    report(f"0.80 damped + 0.20 letters, {time.process_time() - start:.1f} CPU s in all", near)
    for share in (0.7, 0.8, 0.9):
        title = f"{share:.2f} damped + {1 - share:.2f} "
        report(title + "words", nearest(share * dense(together) + (1 - share) * dense(terms)))
        report(title + "letters", nearest(share * dense(together) + (1 - share) * dense(letters)))
    for dimensions, pull, weight in (
        ((150, 128), 0, 0.7),
        ((100, 100), 0, 0.7),
        ((60, 60), 0, 0.7),
        (DIMENSIONS, 0, WEIGHT_OF_BASKETS),
        (DIMENSIONS, PULL, WEIGHT_OF_BASKETS),
    ):
        start = time.perf_counter()
        points = embed(bought_in, words, dimensions, pull, weight)
        seconds = time.perf_counter() - start
        as_used = ", as used" if (dimensions, pull, weight) == (DIMENSIONS, PULL, WEIGHT_OF_BASKETS) else ""
        title = f"{weight} of {dimensions[0]} + {dimensions[1]} dimensions, pull {pull}, {seconds:.1f} s"
        report(title + as_used, nearest(points @ points.T))

    start = time.perf_counter()
    groups = group_products(transactions, products, {"source": SOURCE, "product_groups": GROUPS}).to_pandas()
    print(f"\nGroups of the whole file, {time.perf_counter() - start:.1f} s")
    sold, bought = read_sales(transactions, products, SOURCE)
    groups["amount"] = sold["amount"]
    print(
        groups.groupby(["product_group_number", "product_group"])
        .agg(products=("product_id", "size"), amount=("amount", "sum"), similarity=("similarity", "mean"))
        .assign(
            products=lambda frame: frame["products"] / len(groups),
            amount=lambda frame: frame["amount"] / groups["amount"].sum(),
        )
        .round(3)
        .to_string()
    )
    numbers = groups["product_group_number"].to_numpy()
    inside, across = lift_inside(incidence(bought, sold["product_id"]), numbers)
    print(f"\nMean lift of co-purchase: {inside:.2f} inside groups, {across:.2f} across")
    print(f"\n{SHOWN_PAIRS} pairs of products of the same group, drawn blindly:")
    generator = np.random.default_rng(0)
    drawn = generator.integers(0, len(groups), SHOWN_PAIRS)
    for one in drawn:
        others = np.flatnonzero((numbers == numbers[one]) & (np.arange(len(groups)) != one))
        other = generator.choice(others)
        group, *pair = groups["product_group"][one], *groups["description"][[one, other]]
        print(f"| {group} | {pair[0]} | {pair[1]} |")


if __name__ == "__main__":
    main(*sys.argv[1:])
