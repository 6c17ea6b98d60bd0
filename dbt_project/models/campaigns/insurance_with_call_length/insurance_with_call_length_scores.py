from python_models import score


def model(dbt, session):
    known = session.sql(f"from {dbt.this}") if dbt.is_incremental else None
    return score(
        dbt.ref("insurance_features"),
        dbt.ref("insurance_with_call_length_model"),
        dbt.config.get("meta"),
        known,
    )
