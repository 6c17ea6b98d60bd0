from python_models import explain


def model(dbt, session):
    known = session.sql(f"from {dbt.this}") if dbt.is_incremental else None
    features, scores = dbt.ref("display_ads_features"), dbt.ref("display_ads_scores")
    return explain(features, scores, dbt.ref("display_ads_model"), dbt.config.get("meta"), known)
