with segmenters as (
    {{ union_campaigns('segmenter') }}
),

source_kinds as (
    {% for source in listed_sources() %}
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

add_descriptions as (
    select
        newest.campaign,
        newest.declaration ->> 'title' as title,
        newest.declaration ->> 'question' as question,
        newest.declaration ->> 'source' as source,
        coalesce(source_kinds.source_kind, 'own') as source_kind,
        newest.declaration ->> 'source_note' as source_note,
        newest.declaration -> 'segments' ->> 'population' as population,
        newest.declaration -> 'segments' ->> 'entity' as entity,
        newest.segmenter_version,
        newest.trained_at,
        newest.customer_rows,
        newest.fitted_rows,
        newest.sample_agreement,
        newest.lookalike_roc_auc,
        newest.model_body -> 'map' ->> 'x_meaning' as map_x_meaning,
        newest.model_body -> 'map' ->> 'y_meaning' as map_y_meaning,
        cast(newest.model_body -> 'map' ->> 'share' as double) as map_share,
        newest.fingerprint,
        newest.refused_reason,
        newest.chosen_because,
        newest.model_body,
        newest.choices,
        newest.steps,
        newest.profiles,
    from newest
    left join source_kinds
        on newest.declaration ->> 'source' = source_kinds.source
)

select * from add_descriptions
