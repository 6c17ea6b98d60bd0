"""What SQL cannot do for Leadlight: fit, predict and cluster. dbt's Python models are doorways into it."""

import importlib
import os
import threading
from typing import Any

# Before any numerical library is imported. dbt runs models side by side, one thread each; waiting
# threads otherwise spin for seconds on a busy machine, and BLAS and OpenMP fight over the cores.
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
# Two threads that import scikit-learn at once see half of it.
importing = threading.RLock()


def __getattr__(name: str) -> Any:  # imported when asked for, so that `dbt parse` stays quick
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with importing:
        return getattr(importlib.import_module(f"{__name__}.{_EXPORTS[name]}"), name)
