from python_models import group_products


def model(dbt, session):
    return group_products(dbt.ref("transactions"), dbt.ref("products"), dbt.config.get("meta"))
