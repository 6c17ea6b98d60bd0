"""Made-up customers with one row or several, whose outcomes resemble each other."""

import numpy as np
import pandas as pd

# Correlation of the outcomes of a customer's rows.
CORRELATION = 0.2
ALONE = "customer, 1 row"
SEVERAL = "customer, 4 rows on average"


def rows_of(generator: np.random.Generator, customers: int, unit: str) -> np.ndarray:
    """Return the number of the customer of each row."""
    sizes = generator.geometric(0.25, customers) if unit == SEVERAL else 1
    return np.arange(customers).repeat(sizes)


def outcomes(generator: np.random.Generator, customer: np.ndarray, chance: np.ndarray | float) -> np.ndarray:
    """Return whether each row converts at its chance: some rows of a customer share their luck."""
    own, shared = generator.random(len(customer)), generator.random(customer.max() + 1)[customer]
    is_shared = generator.random(len(customer)) < np.sqrt(CORRELATION)
    return np.where(is_shared, shared, own) < chance


def grouped(
    generator: np.random.Generator, draws: int, customers: int, groups: int, rate: float, unit: str
) -> pd.DataFrame:
    """Return a campaign per draw, its customers in groups: outcomes at the same rate in all of them."""
    customer = rows_of(generator, draws * customers, unit)
    return pd.DataFrame(
        {
            "campaign": (customer // customers).astype(str),
            "group": customer % groups,
            "customer_id": customer.astype(str),
            "entity_id": np.arange(len(customer)).astype(str),
            "has_converted": outcomes(generator, customer, rate),
        }
    )
