from python_models import explain


def model(dbt, session):
    known = session.sql(f"from {dbt.this}") if dbt.is_incremental else None
    features, scores = dbt.ref("insurance_features"), dbt.ref("insurance_with_call_length_scores")
    return explain(
        features, scores, dbt.ref("insurance_with_call_length_model"), dbt.config.get("meta"), known
    )
