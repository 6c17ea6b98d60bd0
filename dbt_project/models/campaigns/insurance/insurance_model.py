from python_models import train


def model(dbt, session):
    existing = session.sql(f"from {dbt.this}") if dbt.is_incremental else None
    return train(dbt.ref("insurance_features"), dbt.config.get("meta"), existing, dbt.ref("held_out"))
