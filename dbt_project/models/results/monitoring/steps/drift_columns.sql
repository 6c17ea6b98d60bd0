-- Scores, outcomes and features that are compared with training
{% set columns = drift_marts().columns %}

-- one literal, because hundreds of selects are slow to lint and to parse
with column_list as (
    select
        from_json(
            '{{ tojson(columns) }}',
            '[{
                "campaign": "varchar", "feature": "varchar",
                "feature_kind": "varchar", "is_accepted": "boolean"
            }]'
        ) as columns,
),

listed_columns as (
    select
        generate_subscripts(columns, 1) as position,
        unnest(columns, recursive := true),
    from column_list
),

champions as (
    select * from {{ ref('conversion_models') }}
    where is_champion
),

-- a feature that no champion reads is of no interest
compared_columns as (
    select listed_columns.*
    from listed_columns
    left join champions using (campaign)
    where
        listed_columns.feature_kind != 'feature'
        or champions.features is null
        or list_contains(champions.features, listed_columns.feature)
)

select * from compared_columns
