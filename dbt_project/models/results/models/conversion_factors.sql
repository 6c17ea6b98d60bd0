with champions as (
    select * from {{ ref('conversion_models') }}
    where is_champion
),

described_columns as (
    {{ feature_descriptions() }}
),

{% if 'mail_out' in listed_marts() %}
dictionary as (
    select
        trim(regexp_replace(lower(attribute), '[^a-z0-9]+', '_', 'g'), '_')
            as feature,
        description,
    from {{ ref('mail_out_dictionary') }}

    union

    select
        trim(regexp_replace(lower(attribute), '[^a-z0-9]+', '_', 'g'), '_')
            as feature,
        description,
    from {{ ref('mail_out_donor_dictionary') }}
),
{% endif %}

{% if 'display_ads' in listed_sources() %}
top_topics as (
    select distinct top_topic
    from {{ ref('stg_display_ads__interest_topics') }}
),
{% endif %}

-- columns that a mart makes of its data are described by the data
descriptions as (
    select
        mart,
        feature,
        description,
    from described_columns

    {% if 'mail_out' in listed_marts() %}
    union all

    select
        'mail_out_features' as mart,
        feature,
        any_value(description) as description,
    from dictionary
    group by feature

    union all

    -- of a date the mart takes the year
    select
        'mail_out_features' as mart,
        concat(feature, '_year') as feature,
        concat(any_value(description), ' (the year)') as description,
    from dictionary
    group by feature
    {% endif %}
    {% if 'display_ads' in listed_sources() %}
    union all

    select
        'display_ads_features' as mart,
        concat('weight_', trim(
            regexp_replace(lower(top_topic), '[^a-z0-9]+', '_', 'g'), '_'
        )) as feature,
        concat(
            'Weight of the interests in ', top_topic, ' and all below it.'
        ) as description,
    from top_topics
    {% endif %}
),

factors as (
    select
        campaign,
        concat(coalesce(declaration ->> 'variant_of', campaign), '_features')
            as mart,
        unnest(factors, recursive := true),
    from champions
),

add_descriptions as (
    select
        factors.campaign,
        factors.feature,
        factors.importance,
        factors.direction,
        row_number() over (
            partition by factors.campaign
            order by factors.importance desc, factors.feature asc
        ) as rank,
        coalesce(
            descriptions.description,
            case
                when factors.mart = 'mail_out_features'
                    then 'Attribute of the files that no dictionary explains.'
            end
        ) as description,
    from factors
    left join descriptions using (mart, feature)
)

select * from add_descriptions
