with members as (
    select * from {{ ref('segment_members') }}
),

segmenters as (
    select * from {{ ref('segmenters') }}
),

chosen_names as (
    select * from {{ ref('segment_names') }}
),

profiles as (
    select
        campaign,
        unnest(profiles, recursive := true),
    from segmenters
),

given_names as (
    select distinct
        campaign,
        segment_id,
        segment_name,
    from profiles
),

names as (
    select
        given_names.campaign,
        given_names.segment_id,
        coalesce(chosen_names.segment_name, given_names.segment_name)
            as segment_name,
    from given_names
    left join chosen_names using (campaign, segment_id)
),

places as (
    select
        campaign,
        unnest(from_json(model_body -> 'segment_ids', '["BIGINT"]'))
            as segment_id,
        unnest(from_json(model_body -> 'map' -> 'x', '["DOUBLE"]')) as map_x,
        unnest(from_json(model_body -> 'map' -> 'y', '["DOUBLE"]')) as map_y,
    from segmenters
),

outcomes as (
    select * from {{ ref('all_scores') }}
),

-- without a population everybody is a customer
counted as (
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

totalled as (
    select
        *,
        sum(customer_count) over whole as all_customers,
        sum(population_count) over whole as all_population,
    from counted
    window whole as (partition by campaign)
),

compared as (
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
    from totalled
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
        compared.*,
        names.segment_name,
        places.map_x,
        places.map_y,
        if(
            compared.population is null, null, compared.blind_p_value
        ) as p_value,
        100 * compared.share_of_customers
        / nullif(compared.share_of_population, 0) as index_value,
        compared.member_count < {{ var('smallest_cell') }} as is_small,
        coalesce(conversions.contacts, 0) as contacts,
        conversions.converted / cast(conversions.contacts as double)
            as conversion_rate,
        {{ wilson_bound('conversions.converted', 'conversions.contacts', -1) }}
            as lower,
        {{ wilson_bound('conversions.converted', 'conversions.contacts', 1) }}
            as upper,
        base_rates.base_rate,
    from compared
    inner join names using (campaign, segment_id)
    left join places using (campaign, segment_id)
    left join conversions using (campaign, segment_id)
    left join base_rates using (campaign)
),

-- people are compared with the population where there is one, else by outcome
judged as (
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
    from rated
),

advised as (
    select
        campaign,
        segment_id,
        segment_name,
        concat(
            trim(
                regexp_replace(lower(segment_name), '[^a-z0-9]+', '-', 'g'), '-'
            ),
            '-', segment_id
        ) as segment_slug,
        member_count,
        customer_count,
        share_of_customers,
        population_count,
        share_of_population,
        index_value,
        p_value,
        mean_lookalike_probability,
        contacts,
        conversion_rate,
        lower,
        upper,
        conversion_rate / nullif(base_rate, 0) as lift,
        is_small,
        standing,
        map_x,
        map_y,
        case
            when is_small
                then 'Too few members to say anything of them.'
            when population is not null and standing = 'more'
                then 'Seek: customers are frequent here for the population.'
            when population is not null and standing = 'fewer'
                then 'Leave: customers are rare here for the population.'
            when population is not null
                then 'Customers are as frequent here as the population.'
            when base_rate is null
                then 'No outcome is recorded: choose by what they are like.'
            when standing is null
                then 'Too few contacts so far: contact some to learn.'
            when standing = 'more'
                then 'Converts more than the rest: contact first.'
            when standing = 'fewer'
                then 'Converts less than the rest: contact last.'
            else 'Converts like the rest: let the score decide.'
        end as advice,
    from judged
)

select * from advised
