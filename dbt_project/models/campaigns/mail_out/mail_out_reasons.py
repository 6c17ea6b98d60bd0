from python_models import explain


def model(dbt, session):
    existing = session.sql(f"from {dbt.this}") if dbt.is_incremental else None
    features = dbt.ref("mail_out_features")
    scores = dbt.ref("mail_out_scores")
    models = dbt.ref("mail_out_model")
    return explain(features, scores, models, dbt.config.get("meta"), existing)
