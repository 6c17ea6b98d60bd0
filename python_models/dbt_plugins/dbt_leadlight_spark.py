"""What dbt finds by its name: prepares dbt-spark, where it is installed, to run this project.

`pyproject.toml` puts this folder on the path of the editable install (`dev-mode-dirs`).
"""

from importlib.util import find_spec

from dbt.plugins.manager import dbtPlugin


class LeadlightOnSpark(dbtPlugin):
    """Spark's dialect for the project's SQL, and Python models in the session."""

    def initialize(self) -> None:
        if find_spec("dbt.adapters.spark") and find_spec("pyspark"):
            from python_models.distributed.adapter import prepare_adapter

            prepare_adapter()


plugins = [LeadlightOnSpark]
