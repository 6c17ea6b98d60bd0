-- One row per campaign and training. The models themselves stay in the warehouse.
with

trainings as (
    select models.*
    from results.conversion_models as models
    inner join results.campaigns as campaigns
        on models.campaign = campaigns.campaign
    where campaigns.variant_of is null
)

select
    trainings.campaign,
    trainings.model_version,
    strftime(trainings.trained_at, '%Y-%m-%d %H:%M') as trained_at,
    replace(trainings.algorithm, '_', ' ') as algorithm,
    trainings.training_rows,
    trainings.training_positives,
    case
        when trainings.is_champion then 'in service'
        when trainings.refused_reason is not null then 'refused'
        else 'replaced'
    end as state,
    coalesce(trainings.refused_reason, trainings.gate_note) as note
from (select 1) as guard
left join trainings on true
