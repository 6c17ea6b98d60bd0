from python_models import segment


def model(dbt, session):
    return segment(dbt.ref("coupon_households"), dbt.ref("coupon_segmenter"), dbt.config.get("meta"))
