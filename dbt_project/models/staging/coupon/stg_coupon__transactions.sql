with lines as (
    {{ cleaned_rows('coupon', 'transactions') }}
),

add_verdicts as (
    select
        *,
        amount / nullif(quantity, 0) as unit_price,
    from lines
),

clean_values as (
    select
        -- ids
        concat(basket_id, '-', product_id) as transaction_id,
        household_id,
        basket_id,
        product_id,
        store_id,

        -- text
        case
            when quantity < 0 or amount < 0 then 'return'
            when quantity = 0 and amount = 0 then 'void'
            else 'purchase'
        end as line_kind,

        -- numbers
        case
            when quantity = 0 and amount != 0 then null
            -- fuel is sold in thousandths of a gallon
            when quantity > 100 and unit_price < 0.01 then quantity / 1000
            else quantity
        end as quantity,
        case
            when
                abs(unit_price) <= {{ var('highest_unit_price') }}
                or unit_price is null
                then amount
        end as amount,
        retail_discount,
        coupon_discount,
        coupon_match_discount,

        -- times
        purchased_at,

        -- where it came from
        file_name,
        row_number,
    from add_verdicts
)

select * from clean_values
