from python_models import explain


def model(dbt, session):
    return explain(
        dbt.ref("insurance_features"), dbt.ref("insurance_with_call_length_model"), dbt.config.get("meta")
    )
