with segmenters as (
    {{ union_campaigns('segmenter', var('segmented_campaigns')) }}
),

source_kinds as (
    {% for source in var('default_inputs') %}
    select
        '{{ source }}' as source,
        '{{ source_kind(source) }}' as source_kind
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

newest as (
    select * from segmenters
    qualify row_number() over (
        partition by campaign
        order by trained_at desc, segmenter_version asc
    ) = 1
),

-- customers stay in the segments of the newest fit that there is
serving as (
    select * from segmenters
    qualify row_number() over (
        partition by campaign
        order by
            (model_body is null) asc, trained_at desc, segmenter_version asc
    ) = 1
),

described as (
    select
        serving.campaign,
        newest.declaration ->> 'title' as title,
        newest.declaration ->> 'question' as question,
        source_kinds.source_kind,
        newest.declaration ->> 'source_note' as source_note,
        newest.declaration -> 'segments' ->> 'population' as population,
        serving.segmenter_version,
        serving.trained_at,
        serving.customer_rows,
        serving.fitted_rows,
        serving.sample_agreement,
        serving.lookalike_roc_auc,
        serving.fingerprint,
        newest.refused_reason,
        serving.chosen_because,
        serving.model_body,
        serving.choices,
        serving.steps,
        serving.profiles,
    from serving
    inner join newest using (campaign)
    left join source_kinds
        on newest.declaration ->> 'source' = source_kinds.source
)

select * from described
