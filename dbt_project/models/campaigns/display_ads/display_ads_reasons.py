from python_models import explain


def model(dbt, session):
    existing = session.sql(f"from {dbt.this}") if dbt.is_incremental else None
    features = dbt.ref("display_ads_features")
    scores = dbt.ref("display_ads_scores")
    models = dbt.ref("display_ads_model")
    return explain(features, scores, models, dbt.config.get("meta"), existing)
