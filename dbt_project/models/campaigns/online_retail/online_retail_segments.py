from python_models import segment


def model(dbt, session):
    return segment(
        dbt.ref("online_retail_features"), dbt.ref("online_retail_segmenter"), dbt.config.get("meta")
    )
