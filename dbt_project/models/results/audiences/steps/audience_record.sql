-- audience_members as it was before this build, which adds to it. A model cannot be
-- its own parent, hence no reference.
{% set record = load_relation(this.incorporate(
    path={'schema': 'results', 'identifier': 'audience_members'}
)) %}

{% if record %}
select * from {{ record }}
where purpose = 'contact'
{% else %}
select
    cast(null as varchar) as audience_id,
    cast(null as varchar) as campaign,
    cast(null as varchar) as purpose,
    cast(null as varchar) as source,
    cast(null as varchar) as channel,
    cast(null as varchar) as entity_id,
    cast(null as varchar) as customer_id,
    cast(null as bigint) as rank,
    cast(null as double) as contact_cost,
    cast(null as timestamp) as selected_at,
    cast(null as boolean) as is_holdout,
    cast(null as varchar) as suppressed_reason,
where false
{% endif %}
