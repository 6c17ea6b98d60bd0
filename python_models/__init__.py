"""Leadlight's Python: fitting, predicting and clustering. dbt's Python models call these functions."""

import importlib
import os
import threading
from typing import Any

# Set before any numerical library is imported. dbt runs models in parallel, one thread each. Without this,
# waiting threads spin for seconds on a busy machine, and BLAS and OpenMP compete for the cores.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

_EXPORTS = {
    "train": "conversion.training",
    "score": "conversion.scoring",
    "explain": "conversion.explaining",
    "fit_segments": "segments.fitting",
    "assign_segments": "segments.assigning",
    "segment": "segments.assigning",
    "group_products": "segments.product_groups",
}
# Two threads that import scikit-learn at the same time get a half-initialised module.
import_lock = threading.RLock()


def __getattr__(name: str) -> Any:  # lazy, so that `dbt parse` stays fast
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with import_lock:
        return getattr(importlib.import_module(f"{__name__}.{_EXPORTS[name]}"), name)
