from python_models import segment


def model(dbt, session):
    segmenters = dbt.ref("online_retail_segmenter")
    return segment(dbt.ref("online_retail_features"), segmenters, dbt.config.get("meta"))
