from python_models import segment


def model(dbt, session):
    segmenters = dbt.ref("coupon_segmenter")
    return segment(dbt.ref("coupon_households"), segmenters, dbt.config.get("meta"))
