with curves as (
    select * from {{ ref('conversion_curves') }}
    where split = 'train'
),

outcomes as (
    select * from {{ ref('all_scores') }}
),

thresholds as (
    select * from curves
    where policy = 'false_alarms_at_most'
),

highest_shares as (
    select * from {{ ref('contacted_shares') }}
),

-- those that are to be contacted; without any, the test rows stand in
rows_to_contact as (
    select
        campaign,
        coalesce(
            nullif(count(*) filter (where split = 'score'), 0),
            count(*) filter (where split = 'test')
        ) as row_count,
    from outcomes
    where predicted_probability is not null
    group by campaign
),

-- all that are contacted but the conversions that known rows let expect at least
bounds as (
    select
        thresholds.campaign,
        thresholds.threshold,
        (
            highest_shares.share
            - {{ prediction_bound(
                'thresholds.true_positives / thresholds.design_effect',
                'thresholds.rows_in_split / thresholds.design_effect',
                'thresholds.share_of_new_rows', 'lower'
            ) }}
        ) / nullif(
            1 - thresholds.positives
            / cast(thresholds.rows_in_split as double), 0
        ) as false_alarm_rate,
    from thresholds
    inner join highest_shares
        on
            thresholds.campaign = highest_shares.campaign
            and thresholds.threshold = highest_shares.threshold
),

add_bounds_for_new_rows as (
    select
        curves.* exclude (promise_bound),
        greatest(curves.promise_bound, bounds.false_alarm_rate)
            as promise_bound,
        -- what the threshold would make of the rows to be contacted
        rows_to_contact.row_count / cast(curves.rows_in_split as double)
            as rows_per_known_row,
    from curves
    inner join rows_to_contact on curves.campaign = rows_to_contact.campaign
    left join bounds
        on
            curves.campaign = bounds.campaign
            and curves.threshold = bounds.threshold
)

select * from add_bounds_for_new_rows
