with members as (
    select * from {{ ref('segment_members') }}
),

profiles as (
    select
        campaign,
        unnest(profiles, recursive := true),
    from {{ ref('segmenters') }}
),

names as (
    select distinct
        campaign,
        segment_id,
        segment_name,
    from profiles
),

outcomes as (
    {{ union_campaigns('scores') }}
),

sizes as (
    select
        campaign,
        segment_id,
        count(*) as member_count,
        count(*) / cast(sum(count(*)) over (partition by campaign) as double)
            as share_of_customers,
    from members
    group by campaign, segment_id
),

conversions as (
    select
        members.campaign,
        members.segment_id,
        count(*) as contacts,
        count(*) filter (where outcomes.has_converted) as converted,
    from members
    inner join outcomes
        on
            members.campaign = outcomes.campaign
            and members.entity_id = outcomes.customer_id
    where outcomes.has_converted is not null
    group by members.campaign, members.segment_id
),

base_rates as (
    select
        campaign,
        avg(cast(has_converted as integer)) as base_rate,
    from outcomes
    where has_converted is not null
    group by campaign
),

rated as (
    select
        sizes.campaign,
        sizes.segment_id,
        names.segment_name,
        sizes.member_count,
        sizes.share_of_customers,
        coalesce(conversions.contacts, 0) as contacts,
        conversions.converted / cast(conversions.contacts as double)
            as conversion_rate,
        {{ wilson_bound('conversions.converted', 'conversions.contacts', -1) }}
            as lower,
        {{ wilson_bound('conversions.converted', 'conversions.contacts', 1) }}
            as upper,
        base_rates.base_rate,
    from sizes
    inner join names using (campaign, segment_id)
    left join conversions using (campaign, segment_id)
    left join base_rates using (campaign)
),

advised as (
    select
        campaign,
        segment_id,
        segment_name,
        trim(regexp_replace(lower(segment_name), '[^a-z0-9]+', '-', 'g'), '-')
            as segment_slug,
        member_count,
        share_of_customers,
        cast(null as double) as share_of_population,
        cast(null as double) as index_value,
        cast(null as double) as p_value,
        contacts,
        conversion_rate,
        lower,
        upper,
        conversion_rate / nullif(base_rate, 0) as lift,
        case
            when contacts < {{ var('smallest_cell') }}
                then 'Too few contacts so far: contact some to learn.'
            when lower > base_rate
                then 'Converts more than the rest: contact first.'
            when upper < base_rate
                then 'Converts less than the rest: contact last.'
            else 'Converts like the rest: let the score decide.'
        end as advice,
    from rated
)

select * from advised
