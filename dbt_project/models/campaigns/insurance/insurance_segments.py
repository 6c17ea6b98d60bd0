from python_models import segment


def model(dbt, session):
    segmenters = dbt.ref("insurance_segmenter")
    return segment(dbt.ref("insurance_features"), segmenters, dbt.config.get("meta"))
