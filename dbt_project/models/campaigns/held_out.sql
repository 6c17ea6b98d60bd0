-- The record as it was before this build, which draws audiences after it has trained:
-- hence no reference. Spark has no record.
{% set record = load_relation(this.incorporate(
    path={'schema': 'results', 'identifier': 'audience_members'}
)) %}
{% set requests = ref('erasure_requests') %}

with latest_draws as (
    {% if record %}
    select
        campaign,
        entity_id,
        arg_max(is_holdout, selected_at) as is_holdout,
    from {{ record }} as members
    where
        purpose = 'contact'
        and suppressed_reason is null
        and not {{ is_erased(requests, 'members.source', 'members.customer_id') }}
    group by campaign, entity_id
    {% else %}
    select
        cast(null as varchar) as campaign,
        cast(null as varchar) as entity_id,
        false as is_holdout,
    where false
    {% endif %}
),

keep_held_out as (
    select
        campaign,
        entity_id,
    from latest_draws
    where is_holdout
)

select * from keep_held_out
