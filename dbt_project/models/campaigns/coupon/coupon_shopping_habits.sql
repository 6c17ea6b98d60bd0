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

measured as (
    select
        contact_id,
        avg(cast(coupon_lines > 0 as integer)) as coupon_trip_share,
        cast(sum(coupon_lines) as bigint) as coupon_lines,
        cast(
            coalesce(
                sum(coupon_lines) filter (where days_ago <= 91), 0
            ) as bigint
        )
            as coupon_lines_13w,
        cast(
            coalesce(
                sum(coupon_lines) filter (where days_ago <= 28), 0
            ) as bigint
        )
            as coupon_lines_4w,
        sum(coupon_match_value) as coupon_match_value,
        min(days_ago) filter (where coupon_lines > 0) as days_since_last_coupon,
        coalesce(sum(amount) filter (where days_ago <= 91), 0) as spend_13w,
        count(*) filter (where days_ago <= 91) as trips_13w,
        avg(amount) as basket_value,
        max(amount) as largest_basket_value,
        sum(private_label_amount)
        / nullif(sum(amount), 0) as private_label_share,
        sum(produce_amount) / nullif(sum(amount), 0) as produce_share,
        sum(meat_amount) / nullif(sum(amount), 0) as meat_share,
        sum(drug_amount) / nullif(sum(amount), 0) as drug_share,
        avg(hour(purchased_at)) as mean_shopping_hour,
    from earlier_trips
    group by contact_id
)

select * from measured
