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
        coalesce(declaration ->> 'variant_of', campaign) || '_features' as mart,
        unnest(factors) as factor,
    from champions
),

described as (
    select
        factors.campaign,
        factors.factor.feature as feature,
        factors.factor.importance as importance,
        factors.factor.direction as direction,
        cast(row_number() over (
            partition by factors.campaign
            order by factors.factor.importance desc, factors.factor.feature
        ) as integer) as rank,
        descriptions.description,
    from factors
    left join descriptions
        on factors.mart = descriptions.mart
        and factors.factor.feature = descriptions.feature
)

select * from described
