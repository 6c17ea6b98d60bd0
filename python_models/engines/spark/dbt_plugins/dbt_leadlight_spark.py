"""What dbt finds by its name: prepares dbt-spark, where it is in use, to run this project.

`pyproject.toml` puts this folder on the path of the editable install (`dev-mode-dirs`).
"""

import sys

from dbt.plugins.manager import dbtPlugin


class LeadlightOnSpark(dbtPlugin):
    """Spark's dialect for the project's SQL, and Python models in the session."""

    def initialize(self) -> None:
        # loaded by then where the target is one of Spark's
        if "dbt.adapters.spark" in sys.modules:
            from python_models.engines.spark.adapter import prepare_adapter

            prepare_adapter()


plugins = [LeadlightOnSpark]
