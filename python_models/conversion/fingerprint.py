"""The fingerprint of a training: its rows, declaration, settings, code revision and library versions."""

import hashlib
import json
from dataclasses import asdict, replace

import imblearn
import pandas as pd

from python_models.common.campaign import Campaign
from python_models.common.frames import content_hash
from python_models.conversion.algorithms.base import Size
from python_models.conversion.algorithms.registry import ALGORITHMS
from python_models.conversion.declaration import competing

# Part of every fingerprint: raise it when the training code changes, so that all models are refitted.
TRAINING_REVISION = 10


def declaration_text(campaign: Campaign) -> str:
    """Return the declaration as JSON, with policy and limit as keys of their own for SQL."""
    declaration = asdict(campaign) | {
        "candidates": competing(campaign),
        "policy": campaign.policy,
        "policy_limit": campaign.policy_limit,
    }
    # days of `accept_drift` as text
    return json.dumps(declaration, sort_keys=True, default=str)


def training_fingerprint(frame: pd.DataFrame, campaign: Campaign) -> str:
    """Hash everything that decides a model: rows, declaration, settings, code revision, library versions.

    Left out are `accept_drift`, `candidates_within` and `outcome_days`: they change what becomes of a model,
    not the model.
    """
    declaration = json.loads(declaration_text(replace(campaign, accept_drift=[])))
    del declaration["outcome_days"], declaration["candidates_within"]
    positives = int(frame[campaign.label].sum()) if campaign.label else 0
    size = Size(len(frame), positives, len(frame.columns))
    settings = {name: ALGORITHMS[name].presets(size) for name in competing(campaign)}
    used = {algorithm.library.__name__: algorithm.library for algorithm in ALGORITHMS.values()}
    libraries = [*(used[name] for name in sorted(used)), imblearn]
    versions = ", ".join(f"{library.__name__} {library.__version__}" for library in libraries)
    parts = [
        content_hash(frame),
        json.dumps(declaration, sort_keys=True),
        json.dumps(settings, sort_keys=True),
        f"recipe {TRAINING_REVISION}, {versions}",
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
