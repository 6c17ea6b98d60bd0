-- One row per campaign and thing that a reader should know before acting on its figures.
with

drift as (
    select
        campaign,
        1 as kind_order,
        case advice
            when 'retrain' then 'train again'
            else 'drift'
        end as kind,
        replace(reason, '_', ' ') as sentence,
        'monitoring/' as path
    from results.retrain_advice
    where advice in ('watch', 'retrain')
),

leaks as (
    select
        campaign,
        2 as kind_order,
        case status
            when 'accepted' then 'leak accepted'
            when 'undecided' then 'leak to decide'
            else 'possible leak'
        end as kind,
        concat(replace(feature, '_', ' '), ': ', advice) as sentence,
        '#could-it-be-too-good' as path
    from results.leakage_checks
    where status != 'pass'
),

refusals as (
    select
        campaign,
        3 as kind_order,
        'training refused' as kind,
        concat('An earlier model stays in service. ', refused_training) as sentence,
        '#how-good-is-the-model' as path
    from results.campaigns
    where refused_training is not null
),

held_back as (
    select
        campaign,
        0 as kind_order,
        'no new audience' as kind,
        held_back_reason as sentence,
        'monitoring/' as path
    from results.campaigns
    where held_back_reason is not null
),

thin_data as (
    select
        campaign,
        4 as kind_order,
        case check_name
            when 'freshness_days' then if(measured is null, 'no dates', 'old data')
            when 'history_days' then if(measured is null, 'no dates', 'short history')
            when 'score_rows' then 'nobody to score'
            else 'thin data'
        end as kind,
        advice as sentence,
        '/data-quality/' as path
    from results.data_sufficiency
    where status != 'pass'
),

small_holdouts as (
    select
        campaign,
        5 as kind_order,
        'few held out' as kind,
        format(
            'To see the declared effect {:,} would have to be held out.',
            holdout_required_count
        ) as sentence,
        '#did-the-contact-make-the-difference' as path
    from results.audiences
    where purpose = 'contact' and not is_holdout_sufficient
    qualify row_number() over (
        partition by campaign order by selected_at desc, audience_id asc
    ) = 1
),

warnings as (
    select * from held_back
    union all
    select * from drift
    union all
    select * from leaks
    union all
    select * from refusals
    union all
    select * from thin_data
    union all
    select * from small_holdouts
),

by_kind as (
    select
        campaign,
        kind_order,
        kind,
        string_agg(distinct sentence, ' ' order by sentence) as sentence,
        any_value(path) as path
    from warnings
    group by campaign, kind_order, kind
)

select
    by_kind.campaign,
    by_kind.kind_order,
    by_kind.kind,
    by_kind.sentence,
    if(
        starts_with(by_kind.path, '/'),
        by_kind.path,
        concat('/campaigns/', by_kind.campaign, '/', by_kind.path)
    ) as path
from (select 1) as guard
left join by_kind on true
