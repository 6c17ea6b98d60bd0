with judged_scores as (
    select * from {{ ref('judged_scores') }}
),

policies as (
    select * from {{ ref('declared_policies') }}
),

-- only out-of-fold rows may choose: test rows are looked at, never learned from
thresholds as (
    select distinct
        campaign,
        predicted_probability as threshold,
    from judged_scores
    where split = 'train'

    union

    select
        campaign,
        policy_limit as threshold,
    from policies
    where policy = 'fixed'
),

splits as (
    select distinct
        campaign,
        split,
    from judged_scores
),

events as (
    select
        campaign,
        split,
        predicted_probability as probability,
        count(*) as row_count,
        count(*) filter (where has_converted) as converted,
        {{ exact_sum('contact_cost') }} as contact_cost,
        coalesce(
            {{ exact_sum('conversion_value') }} filter (where has_converted),
            0 * {{ exact_sum('conversion_value') }}
        ) as conversion_value,
        count(*) filter (where contact_cost is null) as without_cost,
        count(*) filter (where has_converted and conversion_value is null)
            as without_value,
        false as is_threshold,
    from judged_scores
    group by campaign, split, predicted_probability

    union all

    select
        thresholds.campaign,
        splits.split,
        thresholds.threshold as probability,
        0 as row_count,
        0 as converted,
        cast(null as decimal(38, 12)) as contact_cost,
        cast(null as decimal(38, 12)) as conversion_value,
        0 as without_cost,
        0 as without_value,
        true as is_threshold,
    from thresholds
    inner join splits using (campaign)
),

add_up as (
    select
        campaign,
        split,
        probability as threshold,
        is_threshold,
        {% for column in [
            'row_count', 'converted', 'without_cost', 'without_value'
        ] %}
        cast(sum({{ column }}) over from_the_top as bigint)
            as contacted_{{ column }},
        {% endfor %}
        cast(sum(contact_cost) over from_the_top as double) as known_cost,
        cast(sum(conversion_value) over from_the_top as double) as known_value,
        cast(sum(row_count) over whole as bigint) as rows_in_split,
        cast(sum(converted) over whole as bigint) as positives,
    from events
    window
        whole as (partition by campaign, split),
        -- peers count together: a threshold contacts every row at or above it
        from_the_top as (
            partition by campaign, split
            order by probability desc
            range between unbounded preceding and current row
        )
),

keep_thresholds as (
    select * exclude (is_threshold)
    from add_up
    where is_threshold
)

select * from keep_thresholds
