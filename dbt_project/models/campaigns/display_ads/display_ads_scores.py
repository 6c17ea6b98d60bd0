from python_models import score


def model(dbt, session):
    return score(dbt.ref("display_ads_features"), dbt.ref("display_ads_model"), dbt.config.get("meta"))
