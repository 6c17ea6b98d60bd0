-- a model whose newest scores are spread quite otherwise than those it was chosen by is
-- not published, unless `accept_drift` of the campaign names `predicted_probability`
with drift as (
    select * from {{ ref('conversion_drift') }}
),

newest as (
    select *
    from drift
    where feature_kind = 'score' and status != 'too few rows'
    qualify
        window_start = max(window_start) over (partition by campaign)
)

select * from newest
where status = 'drifted' and not is_accepted
