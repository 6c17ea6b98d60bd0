-- Jeffreys' interval holds the rate, and what is drawn lies between rate and base rate
with rates as (
    select
        *,
        sum(converted) over whole
        / cast(sum(row_count) over whole as double) as base_rate,
    from {{ ref('conversion_rates') }}
    window whole as (partition by campaign, dimension)
)

select * from rates
where
    conversion_rate not between lower and upper
    or shrunk_rate < least(conversion_rate, base_rate) - 1e-12
    or shrunk_rate > greatest(conversion_rate, base_rate) + 1e-12
