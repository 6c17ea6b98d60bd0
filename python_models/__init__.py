"""What SQL cannot do for Leadlight: fit, predict and cluster. dbt's Python models are doorways into it."""

import os
from typing import Any

# Before any numerical library is imported. dbt runs models side by side, one thread each; waiting
# threads otherwise spin for seconds on a busy machine, and BLAS and OpenMP fight over the cores.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def __getattr__(name: str) -> Any:  # imported when asked for, so that `dbt parse` stays quick
    if name == "train":
        from python_models.training import train

        return train
    if name == "score":
        from python_models.scoring import score

        return score
    if name == "explain":
        from python_models.explaining import explain

        return explain
    if name in ("fit_segments", "segment"):
        from python_models import segmentation

        return getattr(segmentation, name)
    if name == "group_products":
        from python_models.products import group_products

        return group_products
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
