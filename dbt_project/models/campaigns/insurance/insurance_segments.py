from python_models import segment


def model(dbt, session):
    segmenter = dbt.ref("insurance_segmenter")
    return segment(dbt.ref("insurance_features"), segmenter, dbt.config.get("meta"))
