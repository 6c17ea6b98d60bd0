"""Extensions of the engines that run dbt."""
