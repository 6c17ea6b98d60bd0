-- a category's rate weighs as much as this many clicks at the general rate
{% set prior_clicks = 100 %}

with clicks as (
    select * from {{ ref('app_install_clicks') }}
),

first_record as (
    select min(purchased_at) as recorded_from
    from {{ ref('transactions') }}
    where source = 'app_install'
),

subscribers as (
    select * from {{ ref('stg_app_install__subscribers') }}
),

events as (
    select * from {{ ref('stg_app_install__ad_events') }}
),

installs as (
    select * from {{ ref('stg_app_install__installs') }}
),

-- known before the click: what is recorded late counts from then on
earlier_transactions as (
    select
        clicks.click_id,
        transactions.product_id,
        transactions.line_kind,
        cast(transactions.amount as decimal(18, 2)) as amount,
        date_diff('hour', transactions.purchased_at, clicks.clicked_at) / 24
            as days_ago,
    from clicks
    inner join {{ ref('transactions') }} as transactions
        on
            clicks.customer_id = transactions.customer_id
            and clicks.clicked_at > transactions.known_at
    where transactions.source = 'app_install'
),

spending as (
    select
        click_id,
        count(*) filter (where line_kind = 'purchase') as top_up_count,
        sum(amount) filter (where line_kind = 'purchase') as total_amount,
        min(days_ago) filter (where line_kind = 'purchase')
            as days_since_top_up,
        count(*) filter (where line_kind = 'return') as reversal_count,
        {% for kind in ['airtime', 'data'] %}
        sum(amount) filter (
            where product_id = '{{ kind }}' and line_kind = 'purchase'
        ) as {{ kind }}_amount,
        count(*) filter (
            where product_id = '{{ kind }}' and line_kind = 'purchase'
        ) as {{ kind }}_top_up_count,
        min(days_ago) filter (
            where product_id = '{{ kind }}' and line_kind = 'purchase'
        ) as days_since_{{ kind }}_top_up,
        {% for days in [7, 30, 90] %}
        sum(amount) filter (
            where
            product_id = '{{ kind }}'
            and line_kind = 'purchase'
            and days_ago < {{ days }}
        ) as {{ kind }}_amount_{{ days }}d,
        {% endfor %}
        {% endfor %}
        sum(amount) filter (
            where line_kind = 'purchase' and days_ago < 30
        ) as amount_30d,
        sum(amount) filter (
            where
            line_kind = 'purchase'
            and days_ago >= 30
            and days_ago < 60
        ) as amount_before_30d,
    from earlier_transactions
    group by click_id
),

earlier_events as (
    select
        clicks.click_id,
        events.event_type,
        events.ad_category = clicks.ad_category as is_same_category,
        date_diff('hour', events.occurred_at, clicks.clicked_at) / 24
            as days_ago,
    from clicks
    inner join events
        on
            clicks.customer_id = events.customer_id
            and clicks.clicked_at > events.occurred_at
),

contacts as (
    select
        click_id,
        {% for type in ['impression', 'click'] %}
        count(*) filter (where event_type = '{{ type }}')
            as {{ type }}_count,
        {% for days in [7, 30, 90] %}
        count(*) filter (
            where event_type = '{{ type }}' and days_ago < {{ days }}
        ) as {{ type }}_count_{{ days }}d,
        {% endfor %}
        {% endfor %}
        count(*) filter (where event_type = 'click' and is_same_category)
            as same_category_click_count,
        min(days_ago) filter (where event_type = 'click')
            as days_since_click,
    from earlier_events
    group by click_id
),

earlier_installs as (
    select
        clicks.click_id,
        count(*) as install_count,
    from clicks
    inner join installs
        on
            clicks.customer_id = installs.customer_id
            and clicks.clicked_at > installs.installed_at
    group by clicks.click_id
),

days as (
    select
        ad_category,
        cast(clicked_at as date) as day,
        count(has_installed) as click_count,
        count(*) filter (where has_installed) as install_count,
    from clicks
    group by ad_category, day
),

-- of clicks that were a week old on the day before, so that their outcome was known
earlier_days as (
    select
        here.ad_category,
        here.day,
        sum(before.click_count) as all_click_count,
        sum(before.install_count) as all_install_count,
        coalesce(sum(before.click_count) filter (
            where before.ad_category = here.ad_category
        ), 0) as click_count,
        coalesce(sum(before.install_count) filter (
            where before.ad_category = here.ad_category
        ), 0) as install_count,
    from days as here
    inner join days as before
        on here.day > before.day + {{ var('install_days') }}
    group by here.ad_category, here.day
),

category_rates as (
    select
        ad_category,
        day,
        (
            install_count + {{ prior_clicks }}
            * all_install_count / nullif(all_click_count, 0)
        ) / (click_count + {{ prior_clicks }}) as conversion_rate,
    from earlier_days
),

add_descriptions as (
    select
        -- ids and times
        clicks.click_id,
        clicks.customer_id,
        clicks.clicked_at as as_of,
        clicks.outcome_known_at,

        -- who the subscriber is
        subscribers.customer_id is not null as has_demographics,
        subscribers.age,
        subscribers.gender,
        subscribers.region,
        subscribers.handset,
        subscribers.tariff,
        case
            when subscribers.activation_date <= clicks.clicked_at
                then date_diff(
                    'day', subscribers.activation_date, clicks.clicked_at
                )
        end as tenure_days,
        -- what is summed below was summed over so many days
        date_diff(
            'day',
            greatest(
                first_record.recorded_from,
                case
                    when subscribers.activation_date <= clicks.clicked_at
                        then cast(subscribers.activation_date as timestamp)
                end
            ),
            clicks.clicked_at
        ) as history_days,

        -- the click
        clicks.ad_category,
        hour(clicks.clicked_at) as click_hour,
        isodow(clicks.clicked_at) as click_weekday,
        -- on the dial midnight lies beside 23 o'clock
        {% for function in ['cos', 'sin'] %}
        {{ function }}(hour(clicks.clicked_at) * pi() / 12)
            as click_hour_{{ function }},
        {% endfor %}
        category_rates.conversion_rate as category_conversion_rate,

        -- spending before the click
        coalesce(spending.top_up_count, 0) as top_up_count,
        spending.days_since_top_up,
        coalesce(spending.reversal_count, 0) as reversal_count,
        {% for column in ['total_amount', 'airtime_amount', 'data_amount'] %}
        cast(coalesce(spending.{{ column }}, 0) as double) as {{ column }},
        {% endfor %}
        {% for kind in ['airtime', 'data'] %}
        {% for days in [7, 30, 90] %}
        cast(coalesce(spending.{{ kind }}_amount_{{ days }}d, 0) as double)
            as {{ kind }}_amount_{{ days }}d,
        {% endfor %}
        {% endfor %}
        {% for kind in ['airtime', 'data'] %}
        coalesce(spending.{{ kind }}_top_up_count, 0)
            as {{ kind }}_top_up_count,
        spending.days_since_{{ kind }}_top_up,
        cast(spending.{{ kind }}_amount as double)
        / nullif(spending.{{ kind }}_top_up_count, 0) as mean_{{ kind }}_top_up,
        -- a day more: neither nothing nor infinite on the first day
        30.0 * coalesce(spending.{{ kind }}_top_up_count, 0)
        / (history_days + 1) as {{ kind }}_top_ups_per_30d,
        30.0 * cast(coalesce(spending.{{ kind }}_amount, 0) as double)
        / (history_days + 1) as {{ kind }}_amount_per_30d,
        {% endfor %}
        cast(spending.data_amount as double)
        / nullif(cast(spending.total_amount as double), 0) as data_share,
        cast(
            coalesce(spending.amount_30d, 0)
            - coalesce(spending.amount_before_30d, 0) as double
        ) / nullif(cast(
            coalesce(spending.amount_30d, 0)
            + coalesce(spending.amount_before_30d, 0) as double
        ), 0) as spend_trend,

        -- contacts before the click
        {% for type in ['impression', 'click'] %}
        coalesce(contacts.{{ type }}_count, 0) as {{ type }}_count,
        {% for days in [7, 30, 90] %}
        coalesce(contacts.{{ type }}_count_{{ days }}d, 0)
            as {{ type }}_count_{{ days }}d,
        {% endfor %}
        {% endfor %}
        coalesce(contacts.same_category_click_count, 0)
            as same_category_click_count,
        contacts.days_since_click,
        coalesce(earlier_installs.install_count, 0) as install_count,
        -- an install is owed to one click
        greatest(
            coalesce(contacts.click_count, 0)
            - coalesce(earlier_installs.install_count, 0),
            0
        ) as clicks_without_install,

        -- outcome
        clicks.has_installed,
        clicks.split,
    from clicks
    cross join first_record
    left join subscribers using (customer_id)
    left join spending using (click_id)
    left join contacts using (click_id)
    left join earlier_installs using (click_id)
    left join category_rates
        on
            clicks.ad_category = category_rates.ad_category
            and cast(clicks.clicked_at as date) = category_rates.day
)

select * from add_descriptions
