from python_models import fit_segments


def model(dbt, session):
    existing = session.sql(f"from {dbt.this}") if dbt.is_incremental else None
    return fit_segments(dbt.ref("insurance_features"), dbt.config.get("meta"), existing)
