-- the letters that reports print beside money
{% set currency = var('currency') | string %}
{% if not modules.re.fullmatch('[A-Z]{3}', currency) %}
{% do exceptions.raise_compiler_error(
    "Variable currency is '" ~ currency ~ "': allowed is a code of three capital"
    ~ " letters (ISO 4217), such as EUR."
) %}
{% endif %}
-- marts whose features are as of a time: from when to when their rows are
{% set dated = [] %}
{% for mart in all_marts() if mart.declaration.as_of %}
{% do dated.append({
    'campaign': mart.campaign, 'as_of': mart.declaration.as_of,
    'relation': mart.relation
}) %}
{% endfor %}

with newest as (
    select * from {{ ref('conversion_models') }}
    where is_newest
),

champions as (
    select * from {{ ref('conversion_models') }}
    where is_champion
),

counts as (
    select * from {{ ref('campaign_counts') }}
),

leaks as (
    select
        campaign,
        string_agg(distinct feature, ', ' order by feature)
            filter (where status = 'accepted') as accepted_leaks,
        count(distinct feature) filter (where status = 'warn')
            as leak_warning_count,
    from {{ ref('leakage_checks') }}
    group by campaign
),

source_kinds as (
    {% for source in listed_sources() %}
    select
        '{{ source }}' as source,
        '{{ source_kind(source) }}' as source_kind
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

declarations as (
    select
        campaign,
        declaration ->> 'title' as title,
        declaration ->> 'question' as question,
        declaration ->> 'variant_of' as variant_of,
        declaration ->> 'not_usable_reason' as not_usable_reason,
        declaration ->> 'entity' as entity,
        declaration ->> 'label' as label,
        declaration ->> 'policy' as decide_by,
        try_cast(declaration ->> 'contact_cost' as double) as contact_cost,
        try_cast(declaration ->> 'conversion_value' as double)
            as conversion_value,
        declaration ->> 'source' as source,
        declaration ->> 'source_note' as source_note,
        declaration ->> 'as_of' as as_of,
        model_version,
        refused_reason,
    from newest
),

as_of_windows as (
    {% for mart in dated %}
    select
        '{{ mart.campaign }}' as campaign,
        min(cast({{ mart.as_of }} as date)) as first_as_of,
        max(cast({{ mart.as_of }} as date)) as last_as_of,
    from {{ mart.relation }}
    {{ 'union all' if not loop.last }}
    {% else %}
    select
        cast(null as varchar) as campaign,
        cast(null as date) as first_as_of,
        cast(null as date) as last_as_of,
    where false
    {% endfor %}
),

combine_facts as (
    select
        declarations.* exclude (
            contact_cost, conversion_value, model_version, source
        ),
        -- where a column gives it, its mean
        coalesce(declarations.contact_cost, counts.mean_contact_cost)
            as contact_cost,
        coalesce(declarations.conversion_value, counts.mean_conversion_value)
            as conversion_value,
        '{{ currency }}' as currency,
        -- a declared source without default input can only be its owner's
        coalesce(source_kinds.source_kind, 'own') as source_kind,
        counts.* exclude (campaign, mean_contact_cost, mean_conversion_value),
        as_of_windows.first_as_of,
        as_of_windows.last_as_of,
        champions.model_version is not null as has_champion,
        coalesce(champions.model_version, declarations.model_version)
            as model_version,
        champions.algorithm,
        leaks.accepted_leaks,
        coalesce(leaks.leak_warning_count, 0) as leak_warning_count,
    from declarations
    inner join counts using (campaign)
    left join source_kinds using (source)
    left join champions using (campaign)
    left join leaks using (campaign)
    left join as_of_windows using (campaign)
)

select * from combine_facts
