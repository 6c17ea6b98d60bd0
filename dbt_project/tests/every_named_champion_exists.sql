-- no campaign can put in service a version that `champion` names
{% set named = var('champion') | replace(',', ' ') %}

with named as (
    select unnest(string_split('{{ named }}', ' ')) as model_version,
),

models as (
    select * from {{ ref('conversion_models') }}
),

unknown as (
    select named.model_version
    from named
    left join models
        on
            named.model_version = models.model_version
            and models.model_body is not null
    where named.model_version != '' and models.model_version is null
)

select * from unknown
