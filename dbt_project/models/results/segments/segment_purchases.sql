with segmenters as (
    select * from {{ ref('segmenters') }}
),

members as (
    select * from {{ ref('segment_members') }}
),

product_mix as (
    select * from {{ ref('customer_product_mix') }}
),

bought as (
    select
        members.campaign,
        members.segment_id,
        product_mix.product_group,
        count(*) as customer_count,
        sum(cast(product_mix.amount as decimal(18, 2))) as amount,
    from members
    inner join segmenters using (campaign)
    inner join product_mix
        on
            segmenters.source = product_mix.source
            and members.entity_id = product_mix.customer_id
    group by members.campaign, members.segment_id, product_mix.product_group
),

sum_rows as (
    select
        *,
        cast(sum(amount) over (
            partition by campaign, segment_id
        ) as double) as segment_amount,
        cast(sum(amount) over (
            partition by campaign, product_group
        ) as double) as group_amount,
        cast(sum(amount) over (partition by campaign) as double) as all_amount,
    from bought
),

shares as (
    select
        campaign,
        segment_id,
        product_group,
        customer_count,
        customer_count < {{ var('smallest_cell') }} as is_small,
        cast(amount as double) / nullif(segment_amount, 0) as share_of_spend,
        group_amount / nullif(all_amount, 0) as share_of_all_spend,
    from sum_rows
),

compare_groups as (
    select
        *,
        100 * share_of_spend / nullif(share_of_all_spend, 0) as index_value,
    from shares
)

select * from compare_groups
