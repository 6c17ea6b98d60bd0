from python_models import score


def model(dbt, session):
    return score(
        dbt.ref("insurance_features"), dbt.ref("insurance_with_call_length_model"), dbt.config.get("meta")
    )
