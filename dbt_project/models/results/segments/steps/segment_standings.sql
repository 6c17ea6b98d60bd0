with members as (
    select * from {{ ref('segment_members') }}
),

segmenters as (
    select * from {{ ref('segmenters') }}
),

labels as (
    select * from {{ ref('segment_labels') }}
),

outcomes as (
    select * from {{ ref('all_scores') }}
),

conversions as (
    select * from {{ ref('segment_conversions') }}
),

-- without a population everybody is a customer
count_members as (
    select
        members.campaign,
        members.segment_id,
        count(*) as member_count,
        count(*) filter (
            where segmenters.population is null or members.is_customer
        ) as customer_count,
        count(*) filter (where not members.is_customer) as population_count,
        any_value(segmenters.population) as population,
        avg(members.lookalike_probability) as mean_lookalike_probability,
    from members
    inner join segmenters using (campaign)
    group by members.campaign, members.segment_id
),

add_totals as (
    select
        *,
        sum(customer_count) over whole as all_customers,
        sum(population_count) over whole as all_population,
    from count_members
    window whole as (partition by campaign)
),

shares as (
    select
        campaign,
        segment_id,
        member_count,
        customer_count,
        population_count,
        population,
        mean_lookalike_probability,
        customer_count / nullif(cast(all_customers as double), 0)
            as share_of_customers,
        population_count / nullif(cast(all_population as double), 0)
            as share_of_population,
        exact_p_value(
            customer_count,
            customer_count + population_count,
            cast(all_customers as bigint),
            cast(all_customers + all_population as bigint)
        ) as blind_p_value,
    from add_totals
),

base_rates as (
    select
        campaign,
        avg(cast(has_converted as integer)) as base_rate,
    from outcomes
    where has_converted is not null
    group by campaign
),

add_rates as (
    select
        shares.*,
        labels.segment_name,
        labels.map_x,
        labels.map_y,
        if(
            shares.population is null, null, shares.blind_p_value
        ) as p_value,
        100 * shares.share_of_customers
        / nullif(shares.share_of_population, 0) as index_value,
        shares.member_count < {{ var('smallest_cell') }} as is_small,
        coalesce(conversions.row_count, 0) as contacts,
        conversions.converted / cast(conversions.row_count as double)
            as conversion_rate,
        {{ wilson_bound(
            'conversions.converted', 'conversions.row_count', -1,
            'conversions.design_effect'
        ) }} as lower,
        {{ wilson_bound(
            'conversions.converted', 'conversions.row_count', 1,
            'conversions.design_effect'
        ) }} as upper,
        base_rates.base_rate,
    from shares
    inner join labels using (campaign, segment_id)
    left join conversions using (campaign, segment_id)
    left join base_rates using (campaign)
),

-- people are compared with the population where there is one, else by outcome
add_standing as (
    select
        *,
        case
            when is_small
                then null
            when p_value < 0.05
                then if(index_value > 100, 'more', 'fewer')
            when population is not null
                then 'as all'
            when contacts < {{ var('smallest_cell') }} or base_rate is null
                then null
            when lower > base_rate
                then 'more'
            when upper < base_rate
                then 'fewer'
            else 'as all'
        end as standing,
    from add_rates
)

select * from add_standing
