-- One row per campaign and what became of the columns of its mart before training.
with

fates as (
    select
        campaign,
        coalesce(dropped_by, 'kept') as fate,
        count(*) as feature_count
    from results.feature_relevance
    group by all
)

select
    fates.campaign,
    fates.feature_count,
    case fates.fate
        when 'kept' then 'given to the model'
        when 'variance' then 'dropped: nearly always the same value'
        when 'correlation' then 'dropped: says the same as another'
        when 'relevance' then 'dropped: hangs together with nothing else'
        else concat('dropped by ', fates.fate)
    end as fate,
    fates.fate = 'kept' as is_kept
from (select 1) as guard
left join fates on true
