with contacts as (
    select * from {{ ref('coupon_contacts') }}
),

purchases as (
    select * from {{ ref('coupon_purchases') }}
),

trips as (
    select
        household_id,
        basket_id,
        min(purchased_at) as purchased_at,
        sum(amount) as amount,
        sum(coupon_match_discount) as coupon_match_value,
        count(*) filter (where has_coupon) as coupon_lines,
        sum(amount) filter (where is_private_label) as private_label_amount,
        sum(amount) filter (where department = 'produce') as produce_amount,
        sum(amount) filter (
            where department in (
                'meat', 'meat-pckgd', 'seafood', 'seafood-pckgd'
            )
        ) as meat_amount,
        sum(amount) filter (where department = 'drug gm') as drug_amount,
    from purchases
    group by household_id, basket_id
),

earlier_trips as (
    select
        contacts.contact_id,
        trips.*,
        date_diff('day', cast(trips.purchased_at as date), contacts.start_date)
            as days_ago,
    from contacts
    inner join trips
        on
            contacts.household_id = trips.household_id
            and contacts.start_date > trips.purchased_at
),

measure_rows as (
    select
        contact_id,
        avg(cast(coupon_lines > 0 as integer)) as coupon_trip_share,
        cast(sum(coupon_lines) as bigint) as coupon_lines,
        coalesce(cast(
            sum(coupon_lines) filter (where days_ago <= 91) as bigint
        ), 0) as coupon_lines_13w,
        coalesce(cast(
            sum(coupon_lines) filter (where days_ago <= 28) as bigint
        ), 0) as coupon_lines_4w,
        cast(sum(coupon_match_value) as double) as coupon_match_value,
        min(days_ago) filter (where coupon_lines > 0) as days_since_last_coupon,
        coalesce(cast(
            sum(amount) filter (where days_ago <= 91) as double
        ), 0) as spend_13w,
        count(*) filter (where days_ago <= 91) as trips_13w,
        cast(sum(amount) as double) / count(*) as basket_value,
        cast(max(amount) as double) as largest_basket_value,
        {% for group in ['private_label', 'produce', 'meat', 'drug'] %}
        cast(sum({{ group }}_amount) as double)
        / nullif(cast(sum(amount) as double), 0) as {{ group }}_share,
        {% endfor %}
        avg(hour(purchased_at)) as mean_shopping_hour,
    from earlier_trips
    group by contact_id
)

select * from measure_rows
