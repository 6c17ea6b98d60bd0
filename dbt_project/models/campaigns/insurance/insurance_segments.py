from python_models import segment


def model(dbt, session):
    return segment(dbt.ref("insurance_features"), dbt.ref("insurance_segmenter"), dbt.config.get("meta"))
