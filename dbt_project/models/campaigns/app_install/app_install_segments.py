from python_models import segment


def model(dbt, session):
    segmenters = dbt.ref("app_install_segmenter")
    return segment(dbt.ref("app_install_subscribers"), segmenters, dbt.config.get("meta"))
