"""Group similar products, by co-purchase and by the words of their descriptions."""

import re
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from duckdb import ColumnExpression, ConstantExpression
from scipy import sparse
from sklearn.cluster import KMeans
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, TfidfVectorizer
from sklearn.preprocessing import normalize
from sklearn.utils.extmath import randomized_svd
from threadpoolctl import threadpool_limits

from python_models.common.errors import DeclarationError
from python_models.common.frames import SEED

# Clustering needs a coarser space than nearest neighbours: 150 + 128 dimensions without a pull find
# neighbours better (benchmarks/product_groups.py), but KMeans then puts all rarely bought products into one
# group.
DIMENSIONS = (40, 60)
WEIGHT_OF_BASKETS = 0.6
# A product in this many baskets is placed half by its own baskets, half by those of its words.
PULL = 20
SVD_ITERATIONS = 2
MIN_PRODUCTS_PER_GROUP = 5
MAX_WORDS_IN_NAME = 3
MAX_TERMS = 60
# A phrase with at least this share of another's score can replace it.
MIN_RELATIVE_SCORE = 0.9
OTHER = "other"
# Shorter vectors are rounding errors.
MIN_NORM = 1e-6

COLOURS = (
    "amber amethyst apricot aqua beige black blue bronze brown burgundy clear colour color copper coral "
    "cream crimson cyan gold golden green grey gray indigo ivory jade khaki lilac magenta maroon mauve "
    "multicolour navy olive orange peach pink plum purple red rose ruby scarlet silver tan teal transparent "
    "turquoise violet white yellow"
)
SIZES = (
    "big cm extra giant gram inch jumbo kg large litre long medium metre mini ml mm oversized short size "
    "small tall tiny xl xxl"
)
FILLERS = "asst asstd assorted assortment design dozen each pack pair pc piece pkt set single tier twin unit"
# Words that neither make products similar nor name a group.
UNINFORMATIVE_WORDS = frozenset(" ".join([COLOURS, SIZES, FILLERS]).split())

GROUP_ROW = pa.schema(
    [
        ("source", pa.string()),
        ("product_id", pa.string()),
        ("product_group", pa.string()),
        ("product_group_number", pa.int64()),
        ("similarity", pa.float64()),
        ("description", pa.string()),
    ]
)


def group_products(transactions: Any, products: Any, meta: dict[str, Any]) -> pa.Table:
    """Group the merchandise of one source that was purchased at least once.

    Parameters
    ----------
    transactions : DuckDB relation
        One row per line: source, basket_id, product_id, line_kind, amount. Only purchases count.
    products : DuckDB relation of the same connection
        One row per source and product: source, product_id, description, is_merchandise.
    meta : dict
        `source`, and `product_groups`: the number of groups, reduced if there are fewer than five products
        per group.

    Returns
    -------
    pyarrow.Table
        One row per product (`GROUP_ROW`), ordered by key; empty if nothing was purchased. Groups are numbered
        by descending sales. Similarity is the cosine of the product to the centroid of its group. Products
        that share no basket and have no words form one more group, `other`, with the last number and no
        similarity.

    Raises
    ------
    DeclarationError
        If `source` or `product_groups` is missing or invalid.
    """
    source, count = read_declaration(meta)
    sold, bought = read_sales(transactions, products, source)
    if sold.empty:
        return GROUP_ROW.empty_table()
    words = words_of(sold["description"])
    # sums over several threads differ in their last bits, and two cores gain nothing here
    with threadpool_limits(limits=1):
        bought_in = incidence(bought, sold["product_id"])
        points = embed(bought_in, words)
        groups = cluster(points, np.log1p(np.maximum(times_bought(bought_in), 1)), count)
    return group_table(source, sold, words, points, groups)


def group_table(
    source: str, sold: pd.DataFrame, words: list[list[str]], points: np.ndarray, groups: np.ndarray
) -> pa.Table:
    """Return the rows of the products with numbered and named groups."""
    amounts = sold["amount"].to_numpy()
    numbers = number_by_sales(groups, amounts)
    names = name_groups(words, numbers, amounts, has_other=bool((groups < 0).any()))
    similarity = similarity_to_centroid(points, numbers)
    return pa.table(
        {
            "source": [source] * len(sold),
            "product_id": sold["product_id"],
            "product_group": [names[number] for number in numbers],
            "product_group_number": numbers,
            "similarity": pa.array(similarity, mask=~points.any(axis=1)),
            "description": pa.array(sold["description"], from_pandas=True),
        },
        schema=GROUP_ROW,
    )


def read_declaration(meta: dict[str, Any]) -> tuple[str, int]:
    """Return the source and the number of groups of a declaration."""
    for key in ("source", "product_groups"):
        if key not in meta:
            raise DeclarationError(f"product groups: key '{key}' is missing.")
    source, count = meta["source"], meta["product_groups"]
    if not isinstance(source, str):
        raise DeclarationError(f"product groups: key 'source' is {source!r}, not a text.")
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise DeclarationError(f"product groups: key 'product_groups' is {count!r}, not a number from 1 on.")
    return source, count


def read_sales(transactions: Any, products: Any, source: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the purchased merchandise and the contents of each basket.

    Returns
    -------
    sold : frame
        product_id, description, amount (currency of the source); ordered by product_id.
    bought : frame
        basket_id, product_id: distinct pairs, unordered.
    """
    of_source = ColumnExpression("source") == ConstantExpression(source)
    merchandise = products.filter(of_source).filter("is_merchandise").project("product_id, description")
    lines = (
        transactions.filter(of_source)
        .filter("line_kind = 'purchase'")
        .project("basket_id, product_id, amount")
        .join(merchandise, "product_id")
    )
    # decimals: the sum of floats depends on the order of the rows
    sold = lines.aggregate(
        "cast(product_id as varchar) as product_id, any_value(cast(description as varchar)) as description, "
        "cast(coalesce(sum(cast(amount as decimal(18, 2))), 0) as double) as amount",
        "product_id",
    ).order("product_id")
    bought = (
        lines.filter("basket_id is not null")
        .project("cast(basket_id as varchar) as basket_id, cast(product_id as varchar) as product_id")
        .distinct()
    )
    return sold.df(), bought.df()


def incidence(bought: pd.DataFrame, product_ids: pd.Series) -> sparse.csr_matrix:
    """Return a matrix of products x baskets, 1 if the product was in the basket; baskets ordered by key."""
    baskets, keys = pd.factorize(bought["basket_id"], sort=True)
    rows = pd.Index(product_ids).get_indexer(bought["product_id"])
    ones = np.ones(len(bought))
    return sparse.csr_matrix((ones, (rows, baskets)), shape=(len(product_ids), len(keys)))


def times_bought(incidence: sparse.csr_matrix) -> np.ndarray:
    """Return the number of baskets of each product."""
    return np.asarray(incidence.sum(axis=1)).ravel()


def words_of(descriptions: pd.Series) -> list[list[str]]:
    """Return the informative words of each description, in order and singular.

    A plural becomes singular only if the singular occurs in a description too, so `christmas` stays.
    """
    found = [re.findall(r"[^\W\d_]{2,}", text.lower()) for text in descriptions.fillna("")]
    known = {word for words in found for word in words}
    singular = {word: singular_of(word, known) for word in known}
    ignored = ENGLISH_STOP_WORDS | UNINFORMATIVE_WORDS
    return [
        [singular[word] for word in words if word not in ignored and singular[word] not in ignored]
        for words in found
    ]


def singular_of(word: str, known: set[str]) -> str:
    """Return the singular of an English plural if it is a known word, otherwise the word itself."""
    candidates = [word[:-1]] if word.endswith("s") else []
    candidates += [word[:-2]] if word.endswith("es") else []
    candidates += [word[:-3] + "y"] if word.endswith("ies") else []
    return next((stem for stem in candidates if len(stem) > 2 and stem in known), word)


def embed(
    incidence: sparse.csr_matrix,
    words: list[list[str]],
    dimensions: tuple[int, int] = DIMENSIONS,
    pull: float = PULL,
    weight: float = WEIGHT_OF_BASKETS,
) -> np.ndarray:
    """Return products as points whose dot product is their similarity.

    Parameters
    ----------
    incidence : scipy.sparse.csr_matrix
        Products x baskets, 0 or 1.
    words : list of lists of str
        The words of each product.
    dimensions : tuple of int
        Maximum number for baskets and for words.
    pull : float
        Weight of a product's words, in baskets; 0 uses its own baskets only.
    weight : float
        Share of co-purchase in the similarity; the rest is text.

    Returns
    -------
    numpy.ndarray
        Products x dimensions, rows of length 1, or zero without any shared basket or word.
    """
    terms = term_weights(words)
    baskets = truncated_svd(weight_baskets(incidence), dimensions[0])
    baskets = smooth_by_text(baskets, terms, times_bought(incidence), pull)
    return _unit_rows(
        np.hstack(
            [
                np.sqrt(weight) * baskets,
                np.sqrt(1 - weight) * truncated_svd(terms, dimensions[1]),
            ]
        )
    )


def weight_baskets(incidence: sparse.csr_matrix) -> sparse.csr_matrix:
    """Return rows of length 1 whose dot product is the co-purchase cosine, with large baskets weighing less.

    A basket of n products weighs 1 / log(1 + n); a basket of one product weighs nothing.
    """
    size = np.asarray(incidence.sum(axis=0)).ravel()
    weight = np.where(size > 1, 1 / np.log1p(np.maximum(size, 1)), 0)
    weighted = sparse.csr_matrix(incidence @ sparse.diags(weight))
    weighted.eliminate_zeros()
    return sparse.csr_matrix(normalize(weighted))


def term_weights(words: list[list[str]]) -> sparse.csr_matrix:
    """Return the TF-IDF matrix of the words: products x words, rows of length 1."""
    if not any(words):
        return sparse.csr_matrix((len(words), 0))
    return sparse.csr_matrix(TfidfVectorizer(analyzer=list, sublinear_tf=True).fit_transform(words))


def truncated_svd(matrix: sparse.csr_matrix, components: int) -> np.ndarray:
    """Reduce the rows by truncated SVD and normalise them; rows of zeros stay zero."""
    components = min(components, *matrix.shape)
    if components == 0:
        return np.zeros((matrix.shape[0], 0))
    left, values, _ = randomized_svd(matrix, components, n_iter=SVD_ITERATIONS, random_state=SEED)
    reduced = left * values
    # rows of zeros, or orthogonal to all components, hold only rounding errors
    reduced[np.linalg.norm(reduced, axis=1) < MIN_NORM] = 0
    return _unit_rows(reduced)


def smooth_by_text(
    points: np.ndarray, terms: sparse.csr_matrix, bought: np.ndarray, pull: float
) -> np.ndarray:
    """Shrink points towards the products that share their words, the more the fewer baskets they have.

    A word's position is the mean of its products, weighted by log(1 + baskets) and shrunk by two empty
    baskets, so that rare words count little. A product of n baskets moves to
    (n own + pull words) / (n + pull).
    """
    weights = np.log1p(bought)
    mass = np.asarray(terms.T @ weights).ravel() + 2
    of_words = (terms.T @ (weights[:, None] * points)) / mass[:, None]
    return _unit_rows(bought[:, None] * points + pull * normalize(terms @ of_words))


def _unit_rows(points: np.ndarray) -> np.ndarray:
    rows: np.ndarray = normalize(points)
    return rows


def cluster(points: np.ndarray, weights: np.ndarray, count: int) -> np.ndarray:
    """Return each point's group by weighted KMeans, from 0; -1 for points that are zero."""
    groups = np.full(len(points), -1)
    known = points.any(axis=1)
    if known.any():
        distinct = len(np.unique(points[known].round(6), axis=0))
        count = max(1, min(count, int(known.sum()) // MIN_PRODUCTS_PER_GROUP, distinct))
        kmeans = KMeans(count, n_init=10, random_state=SEED)
        groups[known] = kmeans.fit_predict(points[known], sample_weight=weights[known])
    return groups


def number_by_sales(groups: np.ndarray, amounts: np.ndarray) -> np.ndarray:
    """Renumber groups from 1 by descending sales, ties by their first product; -1 comes last."""
    cents = np.rint(amounts * 100).astype(np.int64)
    first = {group: int(np.argmax(groups == group)) for group in set(groups.tolist())}
    order = sorted(first, key=lambda group: (group < 0, -cents[groups == group].sum(), first[group]))
    number = {group: position for position, group in enumerate(order, start=1)}
    return np.array([number[group] for group in groups.tolist()])


def similarity_to_centroid(points: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Return the cosine of each point to the mean of its group."""
    centroids = np.stack([points[numbers == n].mean(axis=0) for n in range(1, numbers.max() + 1)])
    cosines: np.ndarray = np.clip((points * normalize(centroids)[numbers - 1]).sum(axis=1), -1, 1)
    return cosines


def name_groups(
    words: list[list[str]], numbers: np.ndarray, amounts: np.ndarray, has_other: bool = False
) -> dict[int, str]:
    """Return a unique name per group: the terms whose mean TF-IDF exceeds that of other groups most.

    Terms are one to three consecutive words. Products weigh by the square root of their sales, so that names
    fit the best sellers. With `has_other` the last group is `other`.
    """
    count = int(numbers.max())
    names = {count: OTHER} if has_other else {}
    phrases = [phrases_of(row) for row in words]
    matrix, terms = term_weights(phrases), np.array(sorted({term for row in phrases for term in row}))
    weights = np.sqrt(np.maximum(amounts, 0)) + 1
    for number in range(1, count + 1 - has_other):
        inside = numbers == number
        above = mean_of(matrix, weights * inside) - mean_of(matrix, weights * ~inside)
        best = np.lexsort((terms, -above.round(12)))[:MAX_TERMS]
        scores = {str(terms[i]): float(above[i]) for i in best if above[i] > 0}
        names[number] = name_of(scores, set(names.values()), number)
    return names


def phrases_of(words: list[str]) -> list[str]:
    """Return all runs of one to three distinct words."""
    runs = (words[i : i + length] for length in (1, 2, 3) for i in range(len(words) - length + 1))
    return [" ".join(run) for run in runs if len(set(run)) == len(run)]


def mean_of(matrix: sparse.csr_matrix, weights: np.ndarray) -> np.ndarray:
    """Return the weighted mean of the rows; zero if all weights are zero."""
    mean: np.ndarray = np.asarray(matrix.T @ weights).ravel() / max(weights.sum(), MIN_NORM)
    return mean


def name_of(scores: dict[str, float], used: set[str], number: int) -> str:
    """Return up to two terms of three words in all that share no word, or more if the name is used.

    A term is extended to the phrase around it. A phrase that contains the previous term replaces it.

    >>> name_of({"bag": 0.5, "lunch": 0.4, "lunch bag": 0.3, "apple": 0.2}, set(), 1)
    'lunch bag, apple'
    """
    chosen: list[str] = []
    for term in scores:
        phrase, words = longest_phrase(term, scores), words_in(chosen)
        shared = [other for other in chosen if words_in([other]) & words_in([phrase])]
        if chosen == shared and len(words) == 1:
            chosen = [phrase]
        elif not shared:
            # do not shorten a phrase to a term that hardly occurs outside it
            forms = [phrase, term] if scores[phrase] < MIN_RELATIVE_SCORE * scores[term] else [phrase]
            chosen += [form for form in forms if len(form.split()) <= MAX_WORDS_IN_NAME - len(words)][:1]
        if len(chosen) == 2 or len(words_in(chosen)) == MAX_WORDS_IN_NAME:
            break
    name = ", ".join(chosen) or f"group {number}"
    for term in scores:
        if name not in used:
            return name
        if not words_in([term]) & words_in(chosen):
            chosen.append(term)
            name = ", ".join(chosen)
    return name if name not in used else f"{name} ({number})"


def longest_phrase(term: str, scores: dict[str, float]) -> str:
    """Return the longest phrase around a term with at least half its score and nearly the best score."""
    around = [
        phrase
        for phrase in scores
        if words_in([term]) < words_in([phrase]) and scores[phrase] >= scores[term] / 2
    ]
    best = max((scores[phrase] for phrase in around), default=0)
    strong = [phrase for phrase in around if scores[phrase] >= MIN_RELATIVE_SCORE * best]
    return max(strong, key=lambda phrase: (len(phrase.split()), scores[phrase]), default=term)


def words_in(terms: list[str]) -> set[str]:
    """Return the words of the terms."""
    return set(" ".join(terms).split())
