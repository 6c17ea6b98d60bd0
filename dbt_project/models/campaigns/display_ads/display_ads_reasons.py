from python_models import explain


def model(dbt, session):
    return explain(dbt.ref("display_ads_features"), dbt.ref("display_ads_model"), dbt.config.get("meta"))
