"""One sentence about a disk that fills during a build, instead of DuckDB's error and dbt's trace.

DuckDB names a file but no need, and repeats it for every later query. dbt-duckdb formats the trace of
whatever fails in a Python model. Its plugins see no errors, so two of its functions are wrapped here.
"""

from collections.abc import Callable
from typing import Any

import duckdb
from dbt.adapters.duckdb.environments import Environment
from dbt.adapters.duckdb.environments.local import DuckDBCursorWrapper
from dbt_common.exceptions import DbtRuntimeError

from python_models.common.errors import DeclarationError, UserError

# of the system, of a quota, and of DuckDB where spilled rows find no room
SIGNS = ("No space left on device", "Disk quota exceeded", "max_temp_directory_size")


class FullDiskError(DbtRuntimeError):
    """The disk of the warehouse is full; the message says how much a build needs."""


def is_full_disk(error: BaseException | None) -> bool:
    """Return whether an error is about a full disk, and no sentence about it yet, as that of a publish is."""
    if not isinstance(error, (duckdb.Error, OSError)) or "Not published" in str(error):
        return False
    return any(sign in str(error) for sign in SIGNS)


def explain_full_disk(problem: Callable[[], str]) -> None:
    """Let dbt show `problem()` wherever the disk is full, and errors of Python models without a trace."""
    execute, run_model = DuckDBCursorWrapper.execute, Environment.run_python_job.__func__

    def execute_explained(cursor: DuckDBCursorWrapper, sql: str, bindings: Any = None) -> Any:
        try:
            return execute(cursor, sql, bindings)
        except duckdb.Error as error:
            if is_full_disk(error):
                raise FullDiskError(problem()) from None
            raise

    def run_model_explained(environment: type[Environment], *arguments: Any) -> None:
        try:
            run_model(environment, *arguments)
        except DbtRuntimeError as error:
            cause = error.__context__
            if isinstance(cause, FullDiskError) or is_full_disk(cause):
                raise FullDiskError(problem()) from None
            if isinstance(cause, (UserError, DeclarationError)):
                raise DbtRuntimeError(str(cause)) from None
            raise

    DuckDBCursorWrapper.execute = execute_explained
    Environment.run_python_job = classmethod(run_model_explained)
