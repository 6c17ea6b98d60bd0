with contacts as (
    select * from {{ ref('earlier_contacts') }}
),

find_latest_contact as (
    select
        source,
        customer_id,
        channel,
        cast(max(chosen_at) as date) as chosen_on,
        arg_max(is_holdout, chosen_at) as is_holdout,
    from contacts
    group by source, customer_id, channel
)

select * from find_latest_contact
