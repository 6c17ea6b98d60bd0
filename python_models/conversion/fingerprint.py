"""The fingerprint of a training: its rows, its declaration and the revision of the code."""

import hashlib
import json
from dataclasses import asdict, replace

import imblearn
import lightgbm
import pandas as pd
import sklearn
import xgboost

from python_models.common.campaign import Campaign
from python_models.common.frames import content_hash
from python_models.conversion.algorithms.registry import ALGORITHMS

# Part of every fingerprint: raise it when the way of training changes, so that all models are fitted anew.
TRAINING_REVISION = 6


def declaration_text(campaign: Campaign) -> str:
    """The declaration as JSON, with the policy taken apart for SQL."""
    declared = asdict(campaign) | {"policy": campaign.policy, "policy_limit": campaign.policy_limit}
    return json.dumps(declared, sort_keys=True)


def training_fingerprint(frame: pd.DataFrame, campaign: Campaign) -> str:
    """Hash of all that decides a model: rows, declaration, settings, way of training, library versions.

    Drift is told of a model that is there: to accept it fits none anew.
    """
    positives = int(frame[campaign.label].sum()) if campaign.label else 0
    settings = {name: ALGORITHMS[name].settings(len(frame), positives) for name in campaign.candidates}
    libraries = (lightgbm, sklearn, xgboost, imblearn)
    versions = ", ".join(f"{library.__name__} {library.__version__}" for library in libraries)
    parts = [
        content_hash(frame),
        declaration_text(replace(campaign, accept_drift=[])),
        json.dumps(settings, sort_keys=True),
        f"recipe {TRAINING_REVISION}, {versions}",
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
