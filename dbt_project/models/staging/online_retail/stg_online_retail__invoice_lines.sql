with lines as (
    {{ cleaned_rows('online_retail', 'invoice_lines') }}
),

clean_values as (
    select
        -- ids: the files give lines no key
        concat(file_name, ':', row_number) as line_id,
        invoice_id,
        upper(product_id) as product_id,
        cast(customer_id as varchar) as customer_id,

        -- text
        description,
        country,
        case
            when invoice_id ilike 'c%' or quantity < 0 then 'return'
            when quantity > 0 and unit_price > 0 then 'purchase'
            else 'void'
        end as line_kind,

        -- numbers
        quantity,
        unit_price,
        quantity * unit_price as amount,

        -- booleans: an article's number begins with five digits; the rest is postage,
        -- fees, discounts and corrections
        regexp_matches(product_id, '^[0-9]{5}') as is_merchandise,

        -- times
        purchased_at,

        -- where it came from
        file_name,
        row_number,
    from lines
)

select * from clean_values
