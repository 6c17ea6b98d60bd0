with champions as (
    select * from {{ ref('conversion_models') }}
    where is_champion
),

move_values as (
    select
        campaign,
        unnest(dependence, recursive := true),
    from champions
),

cast_columns as (
    select
        campaign,
        feature,
        cast(bin as integer) as bin,
        bin_label,
        row_count,
        mean_value,
        mean_predicted,
    from move_values
)

select * from cast_columns
