with transactions as (
    {{ cleaned_rows('app_install', 'transactions') }}
),

clean_values as (
    select
        -- ids
        transaction_id,
        customer_id,

        -- text
        product_id,
        case
            when amount < 0 then 'return'
            when amount = 0 then 'void'
            else 'purchase'
        end as line_kind,

        -- numbers
        amount,

        -- times: what arrives late was not known before it arrived
        purchased_at,
        greatest(coalesce(recorded_at, purchased_at), purchased_at)
            as recorded_at,

        -- where it came from
        file_name,
        row_number,
    from transactions
)

select * from clean_values
