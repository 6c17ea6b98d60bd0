with segmenters as (
    {{ union_campaigns('segmenter', var('segmented_campaigns')) }}
),

newest as (
    select
        campaign,
        segmenter_version,
        trained_at,
        fitted_rows,
        fingerprint,
        refused_reason,
        model_body,
        choices,
        profiles,
    from segmenters
    qualify row_number() over (
        partition by campaign
        order by trained_at desc, segmenter_version asc
    ) = 1
)

select * from newest
