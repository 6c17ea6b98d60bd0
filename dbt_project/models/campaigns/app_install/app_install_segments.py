from python_models import segment


def model(dbt, session):
    return segment(
        dbt.ref("app_install_subscribers"), dbt.ref("app_install_segmenter"), dbt.config.get("meta")
    )
