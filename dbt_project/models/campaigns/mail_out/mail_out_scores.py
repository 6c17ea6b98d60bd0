from python_models import score


def model(dbt, session):
    existing = session.sql(f"from {dbt.this}") if dbt.is_incremental else None
    features = dbt.ref("mail_out_features")
    models = dbt.ref("mail_out_model")
    return score(features, models, dbt.config.get("meta"), existing)
