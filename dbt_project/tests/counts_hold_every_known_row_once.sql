-- the categories of a column hold all rows and conversions, as those of any other
with columns_counted as (
    select
        campaign,
        column_name,
        sum(row_count) as row_count,
        sum(converted) as converted,
    from {{ ref('conversion_counts') }}
    group by campaign, column_name
),

known as (
    select
        campaign,
        count(*) as row_count,
        count(*) filter (where has_converted) as converted,
    from {{ ref('conversion_scores') }}
    where has_converted is not null
    group by campaign
),

all_columns as (
    select
        *,
        max(row_count) over (partition by campaign) as most_rows,
        max(converted) over (partition by campaign) as most_converted,
    from columns_counted
)

select all_columns.* from all_columns
left join known using (campaign)
where
    all_columns.row_count
    != coalesce(known.row_count, all_columns.most_rows)
    or all_columns.converted
    != coalesce(known.converted, all_columns.most_converted)
