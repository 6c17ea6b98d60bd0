{#
    The record that `python -m python_models audience` writes beside the warehouse, as the temporary view
    sent_record. Without a record nothing was sent yet.
#}
{{ config(
    pre_hook="{% if execute %}
        create or replace temp view sent_record as
        {{ run_query(\"select sent_rows('\" ~ invocation_args_dict.project_dir ~ \"/seeds')\").rows[0][0] }}
    {% endif %}",
) }}

with exported as (
    select * from sent_record
),

keep_first_export as (
    select
        audience_id,
        campaign,
        week_start,
        source,
        channel,
        entity_id,
        customer_id,
        is_holdout,
        sent_at,
        parse_filename(export_folder) as export_folder,
        members_sha256,
    from exported
    qualify row_number() over (
        partition by audience_id, entity_id
        order by sent_at asc, export_folder asc
    ) = 1
)

select * from keep_first_export
