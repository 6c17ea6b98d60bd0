"""Product groups: what is bought together or worded alike is together, under a name that says it."""

import re
from collections.abc import Iterable

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from python_models.common.errors import DeclarationError
from python_models.segments.product_groups import (
    GROUP_ROW,
    group_products,
    name_groups,
    name_of,
    words_of,
)

META = {"source": "shop", "product_groups": 3}
KINDS = {
    "k": ["red tea cup", "blue tea cups", "tea pot", "large cake tin", "cake tins", "cake stand"],
    "g": ["garden spade", "garden rake", "plant pot", "plant label", "watering can", "garden twine"],
    "p": ["lead pencil", "pencils green", "drawing pen", "pen case", "note book", "drawing book"],
}
PRICES = {"k": 2, "g": 9, "p": 4}
LINES = "source text, basket_id text, product_id text, line_kind text, amount double"
PRODUCTS = "source text, product_id text, description text, is_merchandise boolean"


def catalogue() -> list[tuple]:
    """Six products of each of three kinds, keyed by kind and number."""
    return [
        ("shop", f"{kind}{number}", text, True)
        for kind, texts in KINDS.items()
        for number, text in enumerate(texts)
    ]


def sales() -> list[tuple]:
    """A hundred and twenty baskets, each of four products of one kind."""
    generator = np.random.default_rng(7)
    return [
        ("shop", f"{kind}-{number}", f"{kind}{product}", "purchase", PRICES[kind])
        for kind in KINDS
        for number in range(40)
        for product in sorted(generator.choice(6, 4, replace=False))
    ]


def grouped(lines: Iterable[tuple], products: Iterable[tuple], meta: dict = META) -> pa.Table:
    connection = duckdb.connect()
    connection.execute(f"create table transactions ({LINES})")
    connection.execute(f"create table products ({PRODUCTS})")
    for table, rows in (("transactions", list(lines)), ("products", list(products))):
        if rows:
            connection.register("rows", pd.DataFrame(rows))
            connection.execute(f"insert into {table} from rows")
    return group_products(connection.table("transactions"), connection.table("products"), meta)


def groups_of(table: pa.Table) -> dict[str, int]:
    return dict(zip(*table.select(["product_id", "product_group_number"]).to_pydict().values(), strict=True))


def names_of(table: pa.Table) -> dict[int, str]:
    return dict(
        zip(*table.select(["product_group_number", "product_group"]).to_pydict().values(), strict=True)
    )


def test_products_bought_together_are_together_and_groups_are_numbered_by_sales() -> None:
    wordless = [(source, key, None, flag) for source, key, _, flag in catalogue()]
    for products in (catalogue(), wordless):
        table = grouped(sales(), products)
        assert table.schema == GROUP_ROW
        assert table["product_id"].to_pylist() == sorted(row[1] for row in products)
        expected = {"g": 1, "p": 2, "k": 3}
        assert groups_of(table) == {row[1]: expected[row[1][0]] for row in products}
        assert min(table["similarity"].to_pylist()) > 0.5


def test_words_alone_group_what_was_never_bought_together() -> None:
    alone = [
        ("shop", str(number), row[1], "purchase", PRICES[row[1][0]]) for number, row in enumerate(catalogue())
    ]
    texts = {"k": "cake tin {}", "g": "garden spade {}", "p": "lead pencil {}"}
    products = [("shop", row[1], texts[row[1][0]].format(row[1]), True) for row in catalogue()]
    assert groups_of(grouped(alone, products)) == {
        row[1]: {"g": 1, "p": 2, "k": 3}[row[1][0]] for row in products
    }


def test_names_are_unique_and_made_of_words_of_the_group() -> None:
    table = grouped(sales(), catalogue())
    names = names_of(table)
    assert len(set(names.values())) == 3
    for number, kind in ((1, "g"), (2, "p"), (3, "k")):
        words = set(re.findall("[a-z]+", names[number]))
        assert 2 <= len(words) <= 3
        assert words <= {word for row in words_of(pd.Series(KINDS[kind])) for word in row}
        assert not words & {"red", "blue", "green", "large"}


def test_plurals_are_the_singular_that_is_known() -> None:
    assert words_of(pd.Series(["LUNCH BOXES, SET OF 6", "lunch box", "the red Christmas glass", None])) == [
        ["lunch", "box"],
        ["lunch", "box"],
        ["christmas", "glass"],
        [],
    ]


def test_a_phrase_stands_for_its_words() -> None:
    scores = {"bottle": 0.5, "hot water bottle": 0.46, "hot": 0.46, "water": 0.4, "knitted": 0.1}
    assert name_of(scores, set(), 1) == "hot water bottle"
    assert name_of(scores, {"hot water bottle"}, 1) == "hot water bottle, knitted"
    assert name_of({"mug": 1.0}, {"mug"}, 4) == "mug (4)"
    assert name_of({}, set(), 4) == "group 4"


def test_groups_of_the_same_words_have_names_of_their_own() -> None:
    words = [["tea", "cup"]] * 4
    names = name_groups(words, np.array([1, 1, 2, 2]), np.ones(4))
    assert len(set(names.values())) == 2


def test_rows_in_any_order_give_the_same_groups_bit_for_bit() -> None:
    lines = [(*row[:4], 0.1 + 1.1 * number) for number, row in enumerate(sales())]
    products = catalogue()
    generator = np.random.default_rng(1)
    first = grouped(lines, products)
    shuffled = grouped(
        [lines[i] for i in generator.permutation(len(lines))],
        [products[i] for i in generator.permutation(len(products))],
    )
    assert first.equals(shuffled)


def test_only_purchases_of_merchandise_of_the_source_count() -> None:
    extra_products = [
        ("shop", "post", "postage", False),
        ("shop", "unsure", "unsure", None),
        ("shop", "back", "garden hose", True),
        ("shop", "unsold", "garden chair", True),
        ("other shop", "g0", "pencil", True),
    ]
    extra_lines = [
        ("shop", "g-1", "post", "purchase", 5),
        ("shop", "g-1", "unsure", "purchase", 5),
        ("shop", "g-1", "unheard of", "purchase", 5),
        ("shop", "g-1", "back", "return", -5),
        ("shop", "g-2", "back", "void", 0),
        ("other shop", "g-1", "k0", "purchase", 1_000_000),
    ]
    assert grouped(sales() + extra_lines, catalogue() + extra_products).equals(grouped(sales(), catalogue()))


def test_products_that_nothing_is_known_of_are_other() -> None:
    odd = [("shop", "x1", None, True), ("shop", "x2", "6 x 4", True), ("shop", "x3", "tea cup", True)]
    lines = [("shop", key, key, "purchase", 10_000) for key in ("x1", "x2")]
    table = grouped([*sales(), *lines, ("shop", None, "x3", "purchase", None)], catalogue() + odd)
    rows = {row["product_id"]: row for row in table.to_pylist()}
    for key in ("x1", "x2"):
        assert (rows[key]["product_group"], rows[key]["product_group_number"]) == ("other", 4)
        assert rows[key]["similarity"] is None
    assert rows["x3"]["product_group_number"] == 3


def test_few_products_make_few_groups() -> None:
    assert set(groups_of(grouped(sales(), catalogue(), META | {"product_groups": 12})).values()) == {1, 2, 3}
    one = grouped([("shop", "b", "k0", "purchase", 1)], catalogue()).to_pylist()
    assert [(row["product_id"], row["product_group_number"]) for row in one] == [("k0", 1)]


def test_no_purchases_are_no_groups() -> None:
    for lines in ([], [("other shop", "b", "k0", "purchase", 1)], [("shop", "b", "k0", "return", -1)]):
        assert grouped(lines, catalogue()).equals(GROUP_ROW.empty_table())


@pytest.mark.parametrize(
    ("meta", "message"),
    [
        ({"product_groups": 3}, "key 'source' is missing"),
        ({"source": "shop"}, "key 'product_groups' is missing"),
        ({"source": 3, "product_groups": 3}, "key 'source' is 3"),
        ({"source": "shop", "product_groups": 0}, "key 'product_groups' is 0"),
        ({"source": "shop", "product_groups": "many"}, "key 'product_groups' is 'many'"),
    ],
)
def test_a_declaration_that_makes_no_sense_is_refused(meta: dict, message: str) -> None:
    with pytest.raises(DeclarationError, match=message):
        grouped(sales(), catalogue(), meta)
