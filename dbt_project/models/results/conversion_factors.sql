with champions as (
    select * from {{ ref('conversion_models') }}
    where is_champion
),

descriptions as (
    {{ feature_descriptions() }}
),

factors as (
    select
        campaign,
        concat(coalesce(declaration ->> 'variant_of', campaign), '_features')
            as mart,
        unnest(factors, recursive := true),
    from champions
),

described as (
    select
        factors.campaign,
        factors.feature,
        factors.importance,
        factors.direction,
        cast(row_number() over (
            partition by factors.campaign
            order by factors.importance desc, factors.feature asc
        ) as integer) as rank,
        descriptions.description,
    from factors
    left join descriptions using (mart, feature)
)

select * from described
