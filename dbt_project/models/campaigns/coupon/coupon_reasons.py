from python_models import explain


def model(dbt, session):
    known = session.sql(f"from {dbt.this}") if dbt.is_incremental else None
    features, scores = dbt.ref("coupon_features"), dbt.ref("coupon_scores")
    return explain(features, scores, dbt.ref("coupon_model"), dbt.config.get("meta"), known)
