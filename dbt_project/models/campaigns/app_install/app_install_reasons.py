from python_models import explain


def model(dbt, session):
    return explain(dbt.ref("app_install_features"), dbt.ref("app_install_model"), dbt.config.get("meta"))
