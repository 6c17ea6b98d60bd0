"""Run this project with dbt-spark's method `session`: its SQL, its Python models, its raw files.

dbt-spark itself accepts only Spark SQL, submits Python models only to Databricks, and does not read files.
"""

import os
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from dbt.adapters.base import PythonJobHelper
from dbt.adapters.base.meta import available
from dbt.adapters.spark.impl import SparkAdapter
from dbt.adapters.spark.session import Cursor
from dbt_common.exceptions import DbtRuntimeError
from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession

from python_models.engines.spark.dialect import to_spark
from python_models.engines.spark.relation import Session, add_functions


class SessionPythonJob(PythonJobHelper):  # type: ignore[misc]  # dbt is untyped
    """Runs a Python model in dbt's process, with its Spark session."""

    def __init__(self, parsed_model: dict[str, Any], credentials: Any):
        self.name = parsed_model["alias"]

    def submit(self, compiled_code: str) -> None:
        code = compile(compiled_code, f"<model {self.name}>", "exec")
        names = {"spark": Session(SparkSession.builder.getOrCreate()), "__name__": f"dbt_{self.name}"}
        exec(code, names)  # noqa: S102


def call_python(_: SparkAdapter, module: str, function: str, request: str) -> str:
    """Return the answer of a function of this project, which runs where dbt runs."""
    return str(getattr(import_module(module), function)(request))


def prepare_adapter() -> None:
    """Patch dbt-spark's adapter with what this project needs, once."""
    if getattr(SparkAdapter, "call_python", None):
        return
    # Python workers use the same interpreter
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)

    def execute(self: Cursor, sql: str, *parameters: Any) -> None:
        builder = SparkSession.builder
        for name, value in self.server_side_parameters.items():
            builder = builder.config(name, value)
        spark = builder.getOrCreate()
        add_functions(spark)
        try:
            self._df = spark.sql(to_spark(sql % parameters if parameters else sql))
        except AnalysisException as error:
            raise DbtRuntimeError(str(error)) from error

    # dbt-spark's own method requires a Hive metastore
    Cursor.execute = execute
    SparkAdapter.call_python = available(call_python)
    SparkAdapter._available_ = SparkAdapter._available_ | {"call_python"}
    helpers: Callable[..., Any] = SparkAdapter.python_submission_helpers.fget
    SparkAdapter.python_submission_helpers = property(
        lambda self: helpers(self) | {"session": SessionPythonJob}
    )
    SparkAdapter.default_python_submission_method = property(
        lambda self: "session" if self.config.credentials.method == "session" else "all_purpose_cluster"
    )
