from python_models import segment


def model(dbt, session):
    segmenter = dbt.ref("app_install_segmenter")
    return segment(dbt.ref("app_install_subscribers"), segmenter, dbt.config.get("meta"))
