from python_models import explain


def model(dbt, session):
    known = session.sql(f"from {dbt.this}") if dbt.is_incremental else None
    features, scores = dbt.ref("mail_out_features"), dbt.ref("mail_out_scores")
    return explain(features, scores, dbt.ref("mail_out_model"), dbt.config.get("meta"), known)
