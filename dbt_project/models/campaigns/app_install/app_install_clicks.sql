with events as (
    select * from {{ ref('stg_app_install__ad_events') }}
),

installs as (
    select * from {{ ref('stg_app_install__installs') }}
),

clicks as (
    select
        event_id as click_id,
        customer_id,
        ad_category,
        occurred_at as clicked_at,
    from events
    where event_type = 'click'
),

last_day as (
    select max(moment) as known_until
    from (
        select max(occurred_at) as moment from events
        union all
        select max(installed_at) as moment from installs
    ) as all_moments
),

moments as (
    select
        customer_id,
        clicked_at,
        min(click_id) as click_id,
    from clicks
    group by customer_id, clicked_at
),

-- an install is owed to the last click before it, within a week
installed as (
    select distinct moments.click_id
    from installs
    asof inner join moments
        on
            installs.customer_id = moments.customer_id
            and installs.installed_at >= moments.clicked_at
    where
        installs.installed_at
        < moments.clicked_at + interval {{ var('install_days') }} day
),

ripened as (
    select
        clicks.click_id,
        clicks.customer_id,
        clicks.ad_category,
        clicks.clicked_at,
        clicks.clicked_at + interval {{ var('install_days') }} day
            as outcome_known_at,
        outcome_known_at <= last_day.known_until as is_ripe,
        case when is_ripe then installed.click_id is not null end
            as has_installed,
    from clicks
    cross join last_day
    left join installed using (click_id)
),

test_start as (
    select
        quantile_disc(clicked_at, {{ 1 - var('test_share') }}) as clicked_at,
    from ripened
    where is_ripe
),

assign_rows as (
    select
        ripened.click_id,
        ripened.customer_id,
        ripened.ad_category,
        ripened.clicked_at,
        ripened.outcome_known_at,
        ripened.has_installed,
        case
            when not ripened.is_ripe then 'score'
            when ripened.clicked_at >= test_start.clicked_at then 'test'
            else 'train'
        end as split,
    from ripened
    cross join test_start
)

select * from assign_rows
