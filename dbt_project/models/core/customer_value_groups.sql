with spending as (
    select * from {{ ref('customer_spending') }}
),

cuts as (
    select * from {{ ref('value_group_cuts') }}
),

rank_rows as (
    select
        source,
        customer_id,
        {{ quintile('last_purchased_at', within='source') }}
            as recency_quintile,
        {{ quintile('basket_count', within='source') }} as frequency_quintile,
        {{ quintile('total_amount', within='source') }} as value_quintile,
    from spending
),

average_rows as (
    select
        *,
        cast(ceil((frequency_quintile + value_quintile) / 2.0) as integer)
            as frequency_value,
    from rank_rows
),

-- a hole in the cuts shows as a null, which a test finds; no customer is lost
group_rows as (
    select
        average_rows.*,
        cuts.value_group,
    from average_rows
    left join cuts
        on
            average_rows.recency_quintile
            between cuts.lowest_recency and cuts.highest_recency
            and average_rows.frequency_value
            between cuts.lowest_frequency_value
            and cuts.highest_frequency_value
)

select * from group_rows
