from python_models import explain


def model(dbt, session):
    existing = session.sql(f"from {dbt.this}") if dbt.is_incremental else None
    features = dbt.ref("coupon_features")
    scores = dbt.ref("coupon_scores")
    models = dbt.ref("coupon_model")
    return explain(features, scores, models, dbt.config.get("meta"), existing)
