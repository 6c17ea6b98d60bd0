{% set columns = counted_marts().columns %}

-- one literal, because hundreds of selects are slow to lint and to parse
with column_list as (
    select
        from_json(
            '{{ tojson(columns) }}',
            '[{
                "campaign": "varchar", "column_name": "varchar",
                "is_dimension": "boolean", "is_feature": "boolean",
                "is_audited": "boolean",
                "has_outcome": "boolean",
                "few_values": "integer"
            }]'
        ) as columns,
),

counted_columns as (
    select
        generate_subscripts(columns, 1) as position,
        unnest(columns, recursive := true),
    from column_list
)

select * from counted_columns
