from python_models import explain


def model(dbt, session):
    existing = session.sql(f"from {dbt.this}") if dbt.is_incremental else None
    features = dbt.ref("insurance_features")
    scores = dbt.ref("insurance_with_call_length_scores")
    models = dbt.ref("insurance_with_call_length_model")
    return explain(features, scores, models, dbt.config.get("meta"), existing)
