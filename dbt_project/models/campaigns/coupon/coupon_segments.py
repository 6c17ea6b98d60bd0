from python_models import segment


def model(dbt, session):
    segmenter = dbt.ref("coupon_segmenter")
    return segment(dbt.ref("coupon_households"), segmenter, dbt.config.get("meta"))
