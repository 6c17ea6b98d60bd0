from python_models import segment


def model(dbt, session):
    segmenters = dbt.ref("mail_out_segmenter")
    return segment(dbt.ref("mail_out_people"), segmenters, dbt.config.get("meta"))
