"""How often the ten products nearest to one of a later basket hold another of it, by measure of likeness.

Neighbours are found on the baskets before a day and judged on those from it on: hit@10 is the mean over
these baskets of the share of their products with a hit. Products that were not sold before do not count,
nor do baskets with fewer than two that were. Seconds are those of finding the points, one thread.

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

from python_models.products import (
    DIMENSIONS,
    PULL,
    WEIGHT_OF_BASKETS,
    damped,
    embed,
    group_products,
    incidence,
    read_sales,
    term_weights,
    words_of,
)

SOURCE = "online_retail"
FROM = "2011-09-09"
NEAREST = 10
GROUPS = 12


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
    """The ten others most alike to each product, products x 10."""
    likeness = likeness.copy()
    np.fill_diagonal(likeness, -np.inf)
    return np.argpartition(-likeness, NEAREST, axis=1)[:, :NEAREST]


def most_sold(bought: np.ndarray) -> np.ndarray:
    """The ten others sold most often, products x 10."""
    top = np.argsort(-bought, kind="stable")[: NEAREST + 1]
    return np.array([top[top != product][:NEAREST] for product in range(len(bought))])


def hit_rate(near: np.ndarray, later: pd.DataFrame, product_ids: pd.Series) -> float:
    """hit@10 of neighbours on later baskets (basket_id, product_id; each pair once)."""
    known = later[later["product_id"].isin(product_ids)]
    known = known[known.groupby("basket_id")["product_id"].transform("size") > 1]
    baskets = pd.factorize(known["basket_id"], sort=True)[0]
    products = pd.Index(product_ids).get_indexer(known["product_id"])
    inside = baskets * len(product_ids) + products
    hits = np.isin(baskets[:, None] * len(product_ids) + near[products], inside).any(axis=1)
    return float(pd.Series(hits).groupby(baskets).mean().mean())


def dense(rows: sparse.csr_matrix) -> np.ndarray:
    """Cosine of rows of length 1 with each other."""
    return (rows @ rows.T).toarray()


@threadpool_limits.wrap(limits=1)
def main(file: str, day: str = FROM) -> None:
    transactions, products = read_shop(file)
    earlier = transactions.filter(f"purchased_at < timestamp '{day}'")
    sold, bought = read_sales(earlier, products, SOURCE)
    later = read_sales(transactions.filter(f"purchased_at >= timestamp '{day}'"), products, SOURCE)[1]
    bought_in = incidence(bought, sold["product_id"])
    words = words_of(sold["description"])
    text = sold["description"].fillna("")
    plain = normalize(bought_in)
    together = damped(bought_in)
    terms = term_weights(words)
    letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True).fit_transform(text)
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
    for share in (0.6, 0.7, 0.85):
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
    sold, _ = read_sales(transactions, products, SOURCE)
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


if __name__ == "__main__":
    main(*sys.argv[1:])
