from python_models import score


def model(dbt, session):
    return score(dbt.ref("app_install_features"), dbt.ref("app_install_model"), dbt.config.get("meta"))
