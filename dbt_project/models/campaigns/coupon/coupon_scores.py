from python_models import score


def model(dbt, session):
    return score(dbt.ref("coupon_features"), dbt.ref("coupon_model"), dbt.config.get("meta"))
