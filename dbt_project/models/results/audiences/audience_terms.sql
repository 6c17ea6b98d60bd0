{{ config(
    materialized='incremental',
    unique_key='audience_id',
    incremental_strategy='delete+insert',
    on_schema_change='append_new_columns',
    full_refresh=false,
    pre_hook="{{ forget_unpublished() }}",
) }}

with models as (
    select * from {{ ref('conversion_models') }}
    where is_newest
),

policies as (
    select * from {{ ref('conversion_policies') }}
),

channels as (
    select * from {{ ref('channels') }}
),

evidence as (
    select * from {{ ref('audience_evidence') }}
),

left_out as (
    select
        campaign,
        purpose,
        count(*) filter (where left_out_as = 'old') as old_count,
        count(*) filter (where left_out_as = 'used') as used_count,
    from {{ ref('usable_choices') }}
    group by campaign, purpose
),

held_back as (
    select * from {{ ref('held_back_campaigns') }}
),

champions as (
    select
        campaign,
        model_version,
    from {{ ref('conversion_models') }}
    where is_champion
),

declared as (
    select
        campaign,
        declaration ->> 'source' as source,
        declaration ->> 'channel' as channel,
        cast(declaration -> 'holdout' ->> 'share' as double) as holdout_share,
        cast(declaration -> 'holdout' ->> 'effect' as double)
            as holdout_effect,
    from models
    -- nobody may be targeted by a variant
    where declaration ->> 'variant_of' is null
),

purposes as (
    select
        'contact' as purpose,
        strftime({{ this_week() }}, '%G-W%V') as occasion,
        {{ this_week() }} as week_start

    union all

    select
        'rehearsal' as purpose,
        'rehearsal' as occasion,
        null as week_start
),

terms as (
    select
        declared.campaign || '-' || purposes.occasion as audience_id,
        declared.campaign,
        purposes.purpose,
        purposes.week_start,
        declared.source,
        case
            when declared.channel is not null and channels.channel is null
                then error(format(
                    'campaign ''{}'', key ''channel'': ''{}'' is no row of '
                    || 'seeds/channels.csv; add it, with its consent rule '
                    || 'and its days of rest.',
                    declared.campaign, declared.channel
                ))
            else declared.channel
        end as channel,
        champions.model_version,
        policies.threshold_policy,
        policies.policy_limit,
        policies.threshold,
        if(purposes.purpose = 'contact', declared.holdout_share, null)
            as holdout_share,
        if(purposes.purpose = 'contact', declared.holdout_effect, null)
            as holdout_effect,
        evidence.relative_variance,
        coalesce(left_out.old_count, 0) as old_count,
        coalesce(left_out.used_count, 0) as used_count,
    from declared
    inner join policies on declared.campaign = policies.campaign
    inner join champions on declared.campaign = champions.campaign
    cross join purposes
    left join channels on declared.channel = channels.channel
    left join evidence
        on
            declared.campaign = evidence.campaign
            and purposes.purpose = evidence.purpose
    left join left_out
        on
            declared.campaign = left_out.campaign
            and purposes.purpose = left_out.purpose
    left join held_back on declared.campaign = held_back.campaign
    where purposes.purpose = 'rehearsal' or held_back.campaign is null
)

select * from terms
