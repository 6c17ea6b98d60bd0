from python_models import score


def model(dbt, session):
    return score(dbt.ref("mail_out_features"), dbt.ref("mail_out_model"), dbt.config.get("meta"))
