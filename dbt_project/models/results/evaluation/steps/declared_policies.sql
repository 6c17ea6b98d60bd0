with models as (
    select * from {{ ref('conversion_models') }}
    where is_newest
),

read_declarations as (
    select
        campaign,
        declaration ->> 'policy' as policy,
        cast(declaration ->> 'policy_limit' as double) as policy_limit,
    from models
)

select * from read_declarations
