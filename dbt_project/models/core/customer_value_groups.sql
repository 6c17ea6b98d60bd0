with spending as (
    select * from {{ ref('customer_spending') }}
),

cuts as (
    select * from {{ ref('value_group_cuts') }}
),

ranked as (
    select
        source,
        customer_id,
        {{ quintile('last_purchased_at', within='source') }}
            as recency_quintile,
        {{ quintile('basket_count', within='source') }} as frequency_quintile,
        {{ quintile('total_amount', within='source') }} as value_quintile,
    from spending
),

averaged as (
    select
        *,
        cast(ceil((frequency_quintile + value_quintile) / 2.0) as integer)
            as frequency_value,
    from ranked
),

-- a hole in the cuts shows as a null, which a test finds; no customer is lost
grouped as (
    select
        averaged.*,
        cuts.value_group,
    from averaged
    left join cuts
        on
            averaged.recency_quintile
            between cuts.lowest_recency and cuts.highest_recency
            and averaged.frequency_value
            between cuts.lowest_frequency_value
            and cuts.highest_frequency_value
)

select * from grouped
