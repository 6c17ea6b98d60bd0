-- The strongest features of each campaign
{% set strongest = 20 %}
{% set columns = [] %}
{% for mart in all_marts() %}
{# numbers first, as in feature_pair_counts #}
{% for column in features_and_audited(mart) | sort(attribute='is_text') %}
{% do columns.append({
    'campaign': mart.campaign, 'feature': column.column_name,
    'is_text': column.is_text, 'position': loop.index,
}) %}
{% endfor %}
{% endfor %}

-- one literal, because hundreds of selects are slow to lint and to parse
with column_list as (
    select
        from_json(
            '{{ tojson(columns) }}',
            '[{
                "campaign": "varchar", "feature": "varchar",
                "is_text": "boolean", "position": "integer"
            }]'
        ) as columns,
),

listed_columns as (
    select unnest(columns, recursive := true)
    from column_list
),

summaries as (
    select * from {{ ref('feature_summaries') }}
),

-- the strongest differ most between converters and others; without an outcome, they are
-- the first ones of the mart
compare_groups as (
    select
        listed_columns.*,
        row_number() over (
            partition by listed_columns.campaign
            order by
                summaries.outcome_association desc nulls last,
                listed_columns.position asc
        ) as place,
    from listed_columns
    left join summaries using (campaign, feature)
    qualify place <= {{ strongest }}
)

select * from compare_groups
