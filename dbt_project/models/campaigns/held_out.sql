-- The record as it was before this build, which draws audiences after it has trained:
-- hence no reference.
{% set record = load_relation(this.incorporate(
    path={'schema': 'results', 'identifier': 'audience_members'}
)) %}

with latest_draws as (
    {% if record %}
    select
        campaign,
        source,
        customer_id,
        entity_id,
        arg_max(is_holdout, selected_at) as is_holdout,
    from {{ record }}
    where purpose = 'contact' and suppressed_reason is null
    group by campaign, source, customer_id, entity_id
    {% else %}
    select
        cast(null as varchar) as campaign,
        cast(null as varchar) as source,
        cast(null as varchar) as customer_id,
        cast(null as varchar) as entity_id,
        false as is_holdout
    where false
    {% endif %}
),

keep_held_out as (
    select
        campaign,
        entity_id,
    from latest_draws
    where
        is_holdout
        and not {{ is_erased(
            ref('erasure_requests'), 'latest_draws.source', 'latest_draws.customer_id'
        ) }}
)

select * from keep_held_out
