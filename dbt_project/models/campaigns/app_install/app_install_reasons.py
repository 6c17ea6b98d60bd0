from python_models import explain


def model(dbt, session):
    existing = session.sql(f"from {dbt.this}") if dbt.is_incremental else None
    features = dbt.ref("app_install_features")
    scores = dbt.ref("app_install_scores")
    models = dbt.ref("app_install_model")
    return explain(features, scores, models, dbt.config.get("meta"), existing)
