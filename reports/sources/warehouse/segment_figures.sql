-- One row per campaign, segment of at least ten members and figure of it: what
-- its page shows, and what the page's download holds.
with

segments as (
    select * from results.segments
    where not is_small
),

whole as (
    select
        campaign,
        base_rate
    from results.campaigns
),

figures as (
    select
        campaign,
        segment_id,
        1 as part_order,
        'size' as part,
        'members' as figure,
        cast(member_count as double) as in_segment,
        cast(null as double) as of_everybody,
        cast(null as double) as compared,
        cast(null as varchar) as compared_by
    from segments
    union all
    select
        campaign,
        segment_id,
        1,
        'size',
        'share of customers',
        share_of_customers,
        share_of_population,
        index_value,
        case when index_value is not null then 'index, 100 = as the population' end
    from segments
    union all
    select
        segments.campaign,
        segments.segment_id,
        2,
        'conversion',
        'conversion rate',
        segments.conversion_rate,
        whole.base_rate,
        segments.lift,
        'lift, 1 = as everybody'
    from segments
    inner join whole on segments.campaign = whole.campaign
    where segments.contacts >= 10
    union all
    select
        purchases.campaign,
        purchases.segment_id,
        3,
        'share of spend',
        purchases.product_group,
        purchases.share_of_spend,
        purchases.share_of_all_spend,
        purchases.index_value,
        'index, 100 = as everybody'
    from results.segment_purchases as purchases
    inner join segments
        on purchases.campaign = segments.campaign
        and purchases.segment_id = segments.segment_id
    where not purchases.is_small
    union all
    select
        profiles.campaign,
        profiles.segment_id,
        4,
        case
            when profiles.top_category is null then 'mean'
            else 'share of a category'
        end,
        concat_ws(': ', replace(profiles.feature, '_', ' '), profiles.top_category),
        profiles.segment_mean,
        profiles.overall_mean,
        profiles.standardised_difference,
        'standardised difference, 0 = as everybody'
    from results.segment_profiles as profiles
    inner join segments
        on profiles.campaign = segments.campaign
        and profiles.segment_id = segments.segment_id
    where profiles.rank <= 40
)

select figures.*
from (select 1) as guard
left join figures on true
