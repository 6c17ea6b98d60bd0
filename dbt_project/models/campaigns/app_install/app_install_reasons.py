from python_models import explain


def model(dbt, session):
    known = session.sql(f"from {dbt.this}") if dbt.is_incremental else None
    features, scores = dbt.ref("app_install_features"), dbt.ref("app_install_scores")
    return explain(features, scores, dbt.ref("app_install_model"), dbt.config.get("meta"), known)
