"""A real shop's year falls into product groups."""

from pathlib import Path

from sklearn.feature_extraction.text import TfidfVectorizer

from benchmarks.product_groups import FROM, SOURCE, dense, hit_rate, nearest, read_shop
from python_models.segments.product_groups import (
    embed,
    group_products,
    incidence,
    read_sales,
    words_of,
)
from tests.unit.test_products import names_of


def test_a_shops_year_falls_into_groups_of_use_and_likeness_foretells_baskets(real_data: Path) -> None:
    transactions, products = read_shop(str(real_data / "online_retail/online_retail.parquet"))
    table = group_products(transactions, products, {"source": SOURCE, "product_groups": 12})
    shares = table.to_pandas()["product_group_number"].value_counts(normalize=True)
    assert table.num_rows > 3_700
    assert len(shares) == 12
    assert shares.max() < 0.3
    assert shares.min() > 0.01
    assert len(set(names_of(table).values())) == 12

    sold, bought = read_sales(transactions.filter(f"purchased_at < timestamp '{FROM}'"), products, SOURCE)
    _, later = read_sales(transactions.filter(f"purchased_at >= timestamp '{FROM}'"), products, SOURCE)
    ids = sold["product_id"]
    by_words = hit_rate(nearest(dense(TfidfVectorizer().fit_transform(sold["description"]))), later, ids)
    bought_in, words = incidence(bought, ids), words_of(sold["description"])
    as_used = embed(bought_in, words)
    fine = embed(bought_in, words, dimensions=(150, 128), pull=0, weight=0.7)
    assert hit_rate(nearest(as_used @ as_used.T), later, ids) > by_words
    assert hit_rate(nearest(fine @ fine.T), later, ids) > by_words + 0.08
