from python_models import segment


def model(dbt, session):
    segmenter = dbt.ref("mail_out_segmenter")
    return segment(dbt.ref("mail_out_people"), segmenter, dbt.config.get("meta"))
