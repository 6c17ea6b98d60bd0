"""dbt plugin, found by its module name: prepares dbt-spark to run this project.

`pyproject.toml` puts this folder on the path of the editable install (`dev-mode-dirs`).
"""

import sys

from dbt.plugins.manager import dbtPlugin


class LeadlightOnSpark(dbtPlugin):  # type: ignore[misc]  # dbt is untyped
    """Spark's dialect for the project's SQL, and Python models in the session."""

    def initialize(self) -> None:
        # already loaded if the target is a Spark one
        if "dbt.adapters.spark" in sys.modules:
            from python_models.engines.spark.adapter import prepare_adapter

            prepare_adapter()


plugins = [LeadlightOnSpark]
