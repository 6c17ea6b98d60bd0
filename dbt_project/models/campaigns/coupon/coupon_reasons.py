from python_models import explain


def model(dbt, session):
    return explain(dbt.ref("coupon_features"), dbt.ref("coupon_model"), dbt.config.get("meta"))
