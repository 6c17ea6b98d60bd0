with policies as (
    select * from {{ ref('chosen_policies') }}
),

add_wording as (
    select
        *,
        case threshold_policy
            when 'precision_at_least'
                then 'at least {} % of those contacted convert'
            when 'false_alarms_at_most'
                then
                    'at most {} % of those who do not convert are contacted'
        end as wording,
    from policies
),

add_promise_note as (
    select
        * exclude (wording),
        if(
            is_promise_kept,
            'Promised of new people, with 95 % confidence: '
            || replace(
                wording, '{}', {{ three_digits('100 * policy_limit') }}
            )
            || '.',
            'The promise of ' || {{ three_digits('100 * policy_limit') }}
            || ' % cannot be kept. The best that can be said '
            || 'of new people with 95 % confidence: '
            || replace(
                wording, '{}', {{ three_digits('100 * promise_bound') }}
            )
            || '.'
        ) as promise_note,
    from add_wording
)

select * from add_promise_note
