from python_models import explain


def model(dbt, session):
    return explain(dbt.ref("mail_out_features"), dbt.ref("mail_out_model"), dbt.config.get("meta"))
