from python_models import score


def model(dbt, session):
    known = session.sql(f"from {dbt.this}") if dbt.is_incremental else None
    return score(dbt.ref("mail_out_features"), dbt.ref("mail_out_model"), dbt.config.get("meta"), known)
