-- the cells of the grid of quintiles that lie in no group (a gap) or in several (an overlap)
with recencies as (
    select unnest([1, 2, 3, 4, 5]) as recency_quintile
),

frequency_values as (
    select unnest([1, 2, 3, 4, 5]) as frequency_value
),

cells as (
    select
        recencies.recency_quintile,
        frequency_values.frequency_value,
        count(cuts.value_group) as group_count,
        string_agg(cuts.value_group, ', ' order by cuts.value_group)
            as value_groups,
    from recencies
    cross join frequency_values
    left join {{ ref('value_group_cuts') }} as cuts
        on
            recencies.recency_quintile
            between cuts.lowest_recency and cuts.highest_recency
            and frequency_values.frequency_value
            between cuts.lowest_frequency_value
            and cuts.highest_frequency_value
    group by recencies.recency_quintile, frequency_values.frequency_value
)

select
    *,
    if(group_count = 0, 'a gap', 'an overlap') as what_is_wrong,
from cells
where
    group_count != 1
    -- `--empty` leaves the seed without rows
    and {{ 'false' if flags.EMPTY else 'true' }}
