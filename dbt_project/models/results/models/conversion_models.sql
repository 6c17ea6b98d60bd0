{% set named = var('champion') | replace(',', ' ') %}

with models as (
    {{ union_campaigns('model') }}
),

rank_rows as (
    select
        *,
        row_number() over newest_first as recency,
        first_value(champion_version) over newest_first as present_champion,
        list_contains(
            string_split('{{ named }}', ' '), model_version
        ) and model_body is not null as is_named,
    from models
    window newest_first as (
        partition by campaign
        order by trained_at desc, model_version asc
    )
),

-- a version that is named by hand goes before the one that training chose
served as (
    select
        *,
        case
            when bool_or(is_named) over (partition by campaign) then is_named
            else coalesce(model_version = present_champion, false)
        end as is_champion,
    from rank_rows
),

add_verdicts as (
    select
        campaign,
        model_version,
        algorithm,
        imbalance,
        trained_at,
        training_rows,
        training_positives,
        refit_rows,
        refit_positives,
        kept_share_of_negatives,
        training_base_rate,
        assumed_base_rate,
        assumed_because,
        estimated_base_rate,
        estimated_lower,
        estimated_upper,
        estimated_rows,
        parameters,
        features,
        model_format,
        model_body,
        calibration,
        fingerprint,
        is_champion,
        champion_version,
        best_version,
        refused_reason,
        gate_note,
        baseline_rule,
        declaration,
        recency = 1 as is_newest,
        candidates,
        factors,
        relevance,
        leakage,
        dependence,
        forward,
    from served
)

select * from add_verdicts
