from python_models import segment


def model(dbt, session):
    segmenter = dbt.ref("online_retail_segmenter")
    return segment(dbt.ref("online_retail_features"), segmenter, dbt.config.get("meta"))
