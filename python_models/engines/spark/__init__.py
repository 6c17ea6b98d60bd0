"""The project's SQL and Python models on Spark."""
