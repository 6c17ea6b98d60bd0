"""Groups products that are alike, by what is bought together and by the words of their description."""

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

# Groups want a coarser space than neighbours do: 150 + 128 dimensions without a pull find neighbours
# better (benchmarks/product_groups.py), but leave KMeans one large group of all that is rarely bought.
DIMENSIONS = (40, 60)
WEIGHT_OF_BASKETS = 0.6
# A product that was bought this often is half itself, half what products with its words are.
PULL = 20
SVD_ITERATIONS = 2
LEAST_PRODUCTS_PER_GROUP = 5
WORDS_IN_NAME = 3
TERMS_LOOKED_AT = 60
# A phrase that scores this share of another stands for it.
MOSTLY = 0.9
OTHER = "other"
# Shorter vectors are rounding.
NOTHING = 1e-6

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
# True of a product, but neither likeness nor a name for a group.
NAMES_NOTHING = frozenset(" ".join([COLOURS, SIZES, FILLERS]).split())

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


# sums of several threads differ in their last bits, and two cores gain nothing here
@threadpool_limits.wrap(limits=1)
def group_products(transactions: Any, products: Any, meta: dict[str, Any]) -> pa.Table:
    """Group the merchandise of one source that was ever purchased.

    Parameters
    ----------
    transactions : DuckDB relation
        One row per line: source, basket_id, product_id, line_kind, amount. Only purchases count.
    products : DuckDB relation of the same connection
        One row per source and product: source, product_id, description, is_merchandise.
    meta : dict
        `source`, and `product_groups`: how many groups, fewer where there are not five products for each.

    Returns
    -------
    pyarrow.Table
        One row per product (`GROUP_ROW`), ordered by key; none where nothing was purchased. Groups are
        numbered by falling sales. Products that share no basket and have no words are one group more,
        `other`, with the last number and no similarity; similarity is else the cosine of the product
        to the centroid of its group.

    Raises
    ------
    DeclarationError
        Where `source` or `product_groups` is missing or makes no sense.
    """
    source, count = declared(meta)
    sold, bought = read_sales(transactions, products, source)
    if sold.empty:
        return GROUP_ROW.empty_table()
    words = words_of(sold["description"])
    bought_in = incidence(bought, sold["product_id"])
    points = embed(bought_in, words)
    amounts = sold["amount"].to_numpy()
    groups = cluster(points, np.log1p(np.maximum(times_bought(bought_in), 1)), count)
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


def declared(meta: dict[str, Any]) -> tuple[str, int]:
    """The source and the number of groups of a declaration."""
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
    """What was sold, and what was in each basket: only purchases, only merchandise.

    Returns
    -------
    sold : frame
        product_id, description, amount (currency of the source); ordered by product_id.
    bought : frame
        basket_id, product_id: each pair once, in no order.
    """
    of_source = ColumnExpression("source") == ConstantExpression(source)
    merchandise = products.filter(of_source).filter("is_merchandise").project("product_id, description")
    lines = (
        transactions.filter(of_source)
        .filter("line_kind = 'purchase'")
        .project("basket_id, product_id, amount")
        .join(merchandise, "product_id")
    )
    # decimals: a sum of floats depends on the order of its rows
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
    """Products x baskets, 1 where the product was in the basket; baskets ordered by key."""
    baskets, keys = pd.factorize(bought["basket_id"], sort=True)
    rows = pd.Index(product_ids).get_indexer(bought["product_id"])
    ones = np.ones(len(bought))
    return sparse.csr_matrix((ones, (rows, baskets)), shape=(len(product_ids), len(keys)))


def times_bought(incidence: sparse.csr_matrix) -> np.ndarray:
    """In how many baskets each product was."""
    return np.asarray(incidence.sum(axis=1)).ravel()


def words_of(descriptions: pd.Series) -> list[list[str]]:
    """The telling words of each description in their order: no stop words, colours, sizes; singular.

    A plural becomes singular where the singular is a word of some description too; so `christmas` stays.
    """
    found = [re.findall(r"[^\W\d_]{2,}", text.lower()) for text in descriptions.fillna("")]
    known = {word for words in found for word in words}
    singular = {word: singular_of(word, known) for word in known}
    silent = ENGLISH_STOP_WORDS | NAMES_NOTHING
    return [
        [singular[word] for word in words if word not in silent and singular[word] not in silent]
        for words in found
    ]


def singular_of(word: str, known: set[str]) -> str:
    """The singular of an English plural where it is one of the known words, else the word itself."""
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
    """Products as points whose dot product says how alike they are.

    Parameters
    ----------
    incidence : scipy.sparse.csr_matrix
        Products x baskets, 0 or 1.
    words : list of lists of str
        The words of each product.
    dimensions : tuple of int
        At most how many for baskets and for words.
    pull : float
        How many baskets the words of a product weigh against its own; 0 leaves it where it is.
    weight : float
        Share of the baskets in likeness; the rest is the words'.

    Returns
    -------
    numpy.ndarray
        Products x dimensions, rows of length 1; 0 where neither baskets nor words say anything.
    """
    terms = term_weights(words)
    baskets = reduce(damped(incidence), dimensions[0])
    baskets = pulled_to_words(baskets, terms, times_bought(incidence), pull)
    return normalize(
        np.hstack(
            [
                np.sqrt(weight) * baskets,
                np.sqrt(1 - weight) * reduce(terms, dimensions[1]),
            ]
        )
    )


def damped(incidence: sparse.csr_matrix) -> sparse.csr_matrix:
    """Rows of length 1 whose dot product is the co-purchase cosine, big baskets weighing less.

    A basket of n products weighs 1 / log(1 + n), and nothing where n = 1.
    """
    size = np.asarray(incidence.sum(axis=0)).ravel()
    weight = np.where(size > 1, 1 / np.log1p(np.maximum(size, 1)), 0)
    weighted = sparse.csr_matrix(incidence @ sparse.diags(weight))
    weighted.eliminate_zeros()
    return normalize(weighted)


def term_weights(words: list[list[str]]) -> sparse.csr_matrix:
    """TF-IDF of words, products x words, rows of length 1."""
    if not any(words):
        return sparse.csr_matrix((len(words), 0))
    return TfidfVectorizer(analyzer=list, sublinear_tf=True).fit_transform(words)


def reduce(matrix: sparse.csr_matrix, components: int) -> np.ndarray:
    """Truncated singular value decomposition of the rows, made length 1 again; rows of zeros stay zero."""
    components = min(components, *matrix.shape)
    if components == 0:
        return np.zeros((matrix.shape[0], 0))
    left, values, _ = randomized_svd(matrix, components, n_iter=SVD_ITERATIONS, random_state=SEED)
    reduced = left * values
    # what is left of a row of zeros, or of one that no component describes, is rounding
    reduced[np.linalg.norm(reduced, axis=1) < NOTHING] = 0
    return normalize(reduced)


def pulled_to_words(
    points: np.ndarray, terms: sparse.csr_matrix, bought: np.ndarray, pull: float
) -> np.ndarray:
    """Points moved towards where products with the same words are, the more the fewer baskets they were in.

    A word is where its products are on average, weighted by log(1 + baskets); two empty baskets are added,
    so that a rare word says little. A product of n baskets becomes (n own + pull words) / (n + pull).
    """
    weights = np.log1p(bought)
    mass = np.asarray(terms.T @ weights).ravel() + 2
    of_words = (terms.T @ (weights[:, None] * points)) / mass[:, None]
    return normalize(bought[:, None] * points + pull * normalize(terms @ of_words))


def cluster(points: np.ndarray, weights: np.ndarray, count: int) -> np.ndarray:
    """Group of each point by weighted KMeans, from 0; -1 where the point is zero."""
    groups = np.full(len(points), -1)
    known = points.any(axis=1)
    if known.any():
        distinct = len(np.unique(points[known].round(6), axis=0))
        count = max(1, min(count, int(known.sum()) // LEAST_PRODUCTS_PER_GROUP, distinct))
        kmeans = KMeans(count, n_init=10, random_state=SEED)
        groups[known] = kmeans.fit_predict(points[known], sample_weight=weights[known])
    return groups


def number_by_sales(groups: np.ndarray, amounts: np.ndarray) -> np.ndarray:
    """Groups renumbered from 1 by falling sales, by their first product where equal; -1 comes last."""
    cents = np.rint(amounts * 100).astype(np.int64)
    first = {group: int(np.argmax(groups == group)) for group in set(groups.tolist())}
    order = sorted(first, key=lambda group: (group < 0, -cents[groups == group].sum(), first[group]))
    number = {group: position for position, group in enumerate(order, start=1)}
    return np.array([number[group] for group in groups.tolist()])


def similarity_to_centroid(points: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Cosine of each point to the mean of its group."""
    centroids = np.stack([points[numbers == n].mean(axis=0) for n in range(1, numbers.max() + 1)])
    return np.clip((points * normalize(centroids)[numbers - 1]).sum(axis=1), -1, 1)


def name_groups(
    words: list[list[str]], numbers: np.ndarray, amounts: np.ndarray, has_other: bool = False
) -> dict[int, str]:
    """A unique name per group: the terms whose mean TF-IDF there is furthest above that elsewhere.

    Terms are one to three neighbouring words. Products weigh by the root of their sales, so that a name
    suits what a marketer sees first. With `has_other` the last group is `other`.
    """
    count = int(numbers.max())
    names = {count: OTHER} if has_other else {}
    phrases = [phrases_of(row) for row in words]
    matrix, terms = term_weights(phrases), np.array(sorted({term for row in phrases for term in row}))
    weights = np.sqrt(np.maximum(amounts, 0)) + 1
    for number in range(1, count + 1 - has_other):
        inside = numbers == number
        above = mean_of(matrix, weights * inside) - mean_of(matrix, weights * ~inside)
        best = np.lexsort((terms, -above.round(12)))[:TERMS_LOOKED_AT]
        scores = {str(terms[i]): float(above[i]) for i in best if above[i] > 0}
        names[number] = name_of(scores, set(names.values()), number)
    return names


def phrases_of(words: list[str]) -> list[str]:
    """Runs of one to three words, none of them twice."""
    runs = (words[i : i + length] for length in (1, 2, 3) for i in range(len(words) - length + 1))
    return [" ".join(run) for run in runs if len(set(run)) == len(run)]


def mean_of(matrix: sparse.csr_matrix, weights: np.ndarray) -> np.ndarray:
    """Weighted mean of the rows; zero where nothing weighs."""
    return np.asarray(matrix.T @ weights).ravel() / max(weights.sum(), NOTHING)


def name_of(scores: dict[str, float], taken: set[str], number: int) -> str:
    """Two terms, three words at most, that share no word; more of them where the name is taken.

    A term becomes the phrase around it; where that holds the word chosen before, it takes its place.

    >>> name_of({"bag": 0.5, "lunch": 0.4, "lunch bag": 0.3, "apple": 0.2}, set(), 1)
    'lunch bag, apple'
    """
    chosen: list[str] = []
    for term in scores:
        phrase, used = fullest(term, scores), words_in(chosen)
        shared = [other for other in chosen if words_in([other]) & words_in([phrase])]
        if chosen == shared and len(used) == 1:
            chosen = [phrase]
        elif not shared:
            # a term that is hardly ever outside its phrase is no name without it
            forms = [phrase, term] if scores[phrase] < MOSTLY * scores[term] else [phrase]
            chosen += [form for form in forms if len(form.split()) <= WORDS_IN_NAME - len(used)][:1]
        if len(chosen) == 2 or len(words_in(chosen)) == WORDS_IN_NAME:
            break
    name = ", ".join(chosen) or f"group {number}"
    for term in scores:
        if name not in taken:
            return name
        if not words_in([term]) & words_in(chosen):
            chosen.append(term)
            name = ", ".join(chosen)
    return name if name not in taken else f"{name} ({number})"


def fullest(term: str, scores: dict[str, float]) -> str:
    """The phrase around a term: it scores half as much at least, and about as much as any such phrase."""
    around = [
        phrase
        for phrase in scores
        if words_in([term]) < words_in([phrase]) and scores[phrase] >= scores[term] / 2
    ]
    best = max((scores[phrase] for phrase in around), default=0)
    longest = [phrase for phrase in around if scores[phrase] >= MOSTLY * best]
    return max(longest, key=lambda phrase: (len(phrase.split()), scores[phrase]), default=term)


def words_in(terms: list[str]) -> set[str]:
    """The words of some terms."""
    return set(" ".join(terms).split())
