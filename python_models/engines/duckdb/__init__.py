"""dbt-duckdb plugins; profiles.yml names them."""
