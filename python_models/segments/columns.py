"""Columns of a mart that a segmentation reads, and the sample that it is fitted on."""

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from python_models.common.campaign import Campaign, Segmentation
from python_models.common.errors import DeclarationError
from python_models.common.frames import is_text
from python_models.common.sql import quote_identifier

# Minimum customers per allowed segment.
MIN_ROWS_PER_SEGMENT = 30


@dataclass(frozen=True)
class Columns:
    """Columns that group the customers, columns that only describe them, and the text columns among both."""

    grouping: list[str]
    describing: list[str]
    texts: list[str]

    @classmethod
    def from_mart(cls, mart: Any, campaign: Campaign, segmentation: Segmentation) -> "Columns":
        keys = {segmentation.entity, campaign.entity, campaign.population}
        if segmentation.columns == "all":
            grouping = [name for name in mart.columns if name not in keys | set(segmentation.profile)]
        else:
            grouping = list(segmentation.columns)
        describing = list(segmentation.profile)
        required = [segmentation.entity, *grouping, *describing, *segmentation.weights]
        for name in [*required, *([campaign.population] if campaign.population else [])]:
            if name not in mart.columns:
                raise DeclarationError(
                    f"campaign '{campaign.campaign}', key 'segments': the mart has no column '{name}'; "
                    f"it has {', '.join(sorted(mart.columns))}."
                )
        types = dict(zip(mart.columns, map(str, mart.types), strict=True))
        texts = [name for name in grouping + describing if is_text(campaign, name, types[name])]
        return cls(grouping, describing, texts)


def row_count(relation: Any) -> int:
    """Return the number of rows of a relation."""
    return int(relation.aggregate("count(*)").fetchall()[0][0])


def draw_sample(relation: Any, columns: list[str], key: str, count: int) -> pa.Table:
    """Return up to `count` rows, ordered by a hash of the key: the same rows in every build."""
    by_hash = f"md5(concat('sample ', {quote_identifier(key)})), {quote_identifier(key)}"
    wanted = ", ".join(quote_identifier(name) for name in dict.fromkeys(columns))
    return relation.order(by_hash).limit(count).project(wanted).to_arrow_table()
