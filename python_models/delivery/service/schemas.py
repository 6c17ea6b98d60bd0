"""Schemas of the answers; their names and docstrings are part of the OpenAPI document, so they stay."""

from typing import Literal

from pydantic import BaseModel, Field


class Fault(BaseModel):
    code: str = Field(examples=["unknown_campaign"])
    message: str = Field(examples=["there is no campaign 'x'; there are coupon, insurance"])
    request_id: str


class FaultAnswer(BaseModel):
    """Every answer that is not 200, whatever went wrong."""

    error: Fault


class Reason(BaseModel):
    feature: str
    feature_value: float | bool | str | None
    contribution: float = Field(description="In log-odds.")
    direction: Literal["raises", "lowers"]


class ScoredRow(BaseModel):
    """A row of the request, by its place; a refused one has `error` and nothing else."""

    row: int
    entity_id: str | None = None
    probability: float | None = Field(None, ge=0, le=1)
    result: bool | None = Field(None, description="Whether the probability reaches the threshold.")
    decile: int | None = Field(
        None, ge=1, le=10, description="Tenth of the stored scores that it lies in, 1 the best."
    )
    reasons: list[Reason] | None = None
    error: str | None = None


class ScoreAnswer(BaseModel):
    campaign: str
    model_version: str
    threshold: float | None
    threshold_policy: str | None
    results: list[ScoredRow]


class SegmentedRow(BaseModel):
    """A row of the request, by its place; a refused one has `error` and nothing else."""

    row: int
    entity_id: str | None = None
    segment_id: int | None = None
    segment_name: str | None = None
    segment_distance: float | None = None
    segment_confidence: float | None = None
    error: str | None = None


class SegmentAnswer(BaseModel):
    campaign: str
    segmenter_version: str
    results: list[SegmentedRow]


class StoredScore(BaseModel):
    customer_id: str
    split: str
    has_converted: bool | None
    probability: float
    result: bool
    threshold: float
    decile: int
    percentile: int
    propensity_band: str
    model_version: str
    scored_at: str
    reasons: list[Reason]


class StoredSegment(BaseModel):
    segment_id: int
    segment_name: str | None
    segment_distance: float
    segment_confidence: float
    segmenter_version: str


class CustomerAnswer(BaseModel):
    campaign: str
    entity_id: str
    score: StoredScore | None
    segment: StoredSegment | None


class FieldAnswer(BaseModel):
    name: str
    type: Literal["integer", "number", "boolean", "text"]


class CampaignAnswer(BaseModel):
    campaign: str
    title: str
    question: str
    entity: str = Field(description="Field of a row that names it; may be left out.")
    can_score: bool
    why_not: str | None
    model_version: str | None
    threshold: float | None
    fields: list[FieldAnswer] = Field(description="What a row to be scored has to name.")
    segmenter_version: str | None
    segment_fields: list[FieldAnswer] = Field(description="What a row to be put into a segment has to name.")


class CampaignsAnswer(BaseModel):
    campaigns: list[CampaignAnswer]


class HealthAnswer(BaseModel):
    status: Literal["ok"]


class ReadyAnswer(BaseModel):
    status: Literal["ready"]
    campaigns: int
    trouble: str | None = Field(description="Why a newer warehouse is not served, if so.")
