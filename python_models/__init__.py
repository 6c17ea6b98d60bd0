"""What SQL cannot do for Leadlight: fit, predict and cluster. dbt's Python models are doorways into it."""

import os

# Before LightGBM is imported: two dbt threads on a busy machine otherwise spin for seconds.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def __getattr__(name: str):  # imported when asked for, so that `dbt parse` stays quick
    if name == "train":
        from python_models.training import train

        return train
    if name == "score":
        from python_models.scoring import score

        return score
    if name in ("fit_segments", "segment"):
        from python_models import segmentation

        return getattr(segmentation, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
