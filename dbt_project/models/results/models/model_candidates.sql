-- what `choose_by` may name
{% set choices = ['roc_auc', 'average_precision', 'f1', 'log_loss', 'brier'] %}

with models as (
    select * from {{ ref('conversion_models') }}
),

metrics as (
    {{ metric_names() }}
),

candidates as (
    select
        campaign,
        model_version,
        algorithm as champion,
        imbalance as champion_imbalance,
        declaration ->> 'choose_by' as choose_by,
        unnest(candidates, recursive := true),
    from models
),

-- as training compares them: on later rows, else out of fold
add_declared_metric as (
    select
        candidates.*,
        candidates.algorithm = candidates.champion
        and candidates.imbalance = candidates.champion_imbalance
            as is_champion,
        coalesce(
            candidates.later_measure,
            case candidates.choose_by
                {% for metric in choices %}
                when '{{ metric }}' then candidates.{{ metric }}
                {% endfor %}
            end
        ) * if(metrics.better = 'lower', -1, 1) as skill,
    from candidates
    inner join metrics on candidates.choose_by = metrics.metric
),

rank_candidates as (
    select
        campaign,
        model_version,
        algorithm,
        imbalance,
        roc_auc,
        average_precision,
        f1,
        log_loss,
        brier,
        later_measure,
        fit_seconds,
        feature_count,
        all_features_average_precision,
        row_number() over (
            partition by campaign, model_version
            order by
                is_champion desc,
                skill desc,
                algorithm asc,
                imbalance asc
        ) as rank,
        is_champion,
    from add_declared_metric
)

select * from rank_candidates
