with models as (
    {{ union_campaigns('model') }}
),

ranked as (
    select
        *,
        row_number() over (
            partition by campaign
            order by trained_at desc, model_version asc
        ) as recency,
    from models
),

judged as (
    select
        campaign,
        model_version,
        algorithm,
        imbalance,
        trained_at,
        training_rows,
        training_positives,
        parameters,
        features,
        model_format,
        model_body,
        fingerprint,
        recency = 1 and refused_reason is null as is_champion,
        refused_reason,
        baseline_rule,
        declaration,
        recency = 1 as is_newest,
        candidates,
        factors,
    from ranked
)

select * from judged
