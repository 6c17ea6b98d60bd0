-- One row per campaign, feature and category of at least ten rows: the 20 most frequent of a text, all
-- values and ranges of a number, and what is left together.
with

ranked as (
    select
        *,
        row_number() over (
            partition by campaign, column_name, category = '(unknown)'
            order by row_count desc, category
        ) as place
    from results.conversion_counts
    where (is_feature or is_audited)
),

merged as (
    select
        campaign,
        column_name as feature,
        if(row_count >= 10 and (place <= 20 or category_order is not null), category, '(others)')
            as category,
        min(category_order) as category_order,
        sum(row_count) as row_count,
        sum(converted) as converted
    from ranked
    group by all
),

compared as (
    select
        *,
        row_count / sum(row_count) over whole as share,
        sum(converted) over whole / sum(row_count) over whole as base_rate,
        converted / nullif(sum(converted) over whole, 0) as share_of_converters,
        (row_count - converted) / nullif(sum(row_count - converted) over whole, 0) as share_of_rest
    from merged
    window whole as (partition by campaign, feature)
),

placed as (
    select
        *,
        row_number() over (
            partition by campaign, feature
            order by
                category = '(unknown)', category = '(others)', category_order, row_count desc, category
        ) as place
    from compared
    where row_count >= 10
)

select
    placed.campaign,
    replace(placed.feature, '_', ' ') as feature,
    placed.category,
    placed.place,
    placed.row_count,
    placed.share,
    placed.converted / placed.row_count as conversion_rate,
    placed.base_rate,
    placed.share_of_converters,
    placed.share_of_rest
from (select 1) as guard
left join placed on true
order by placed.campaign, placed.feature, placed.place
