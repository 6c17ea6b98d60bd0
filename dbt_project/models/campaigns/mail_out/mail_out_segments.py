from python_models import segment


def model(dbt, session):
    return segment(dbt.ref("mail_out_people"), dbt.ref("mail_out_segmenter"), dbt.config.get("meta"))
