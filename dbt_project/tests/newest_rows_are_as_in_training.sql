{{ config(severity='warn', tags='not_on_spark') }}

-- of the features the ten most important ones; `accept_drift` of a campaign names those
-- whose drift is known
with drift as (
    select * from {{ ref('conversion_drift') }}
),

factors as (
    select * from {{ ref('conversion_factors') }}
    where rank <= 10
),

newest as (
    select drift.*
    from drift
    left join factors using (campaign, feature)
    where
        drift.status != 'too few rows'
        and (drift.feature_kind != 'feature' or factors.rank is not null)
    qualify
        drift.window_start
        = max(drift.window_start) over (partition by drift.campaign)
)

select * from newest
where status in ('drifting', 'drifted') and not is_accepted
