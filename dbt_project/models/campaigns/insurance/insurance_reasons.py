from python_models import explain


def model(dbt, session):
    return explain(dbt.ref("insurance_features"), dbt.ref("insurance_model"), dbt.config.get("meta"))
