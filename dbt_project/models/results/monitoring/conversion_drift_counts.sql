-- Rows by window and bin of each compared score, outcome and feature
--
-- categories with a smaller share of the training rows are put together
{% set rare_share = '0.01e0' %}

with compared_columns as (
    select * from {{ ref('drift_columns') }}
),

settings as (
    select * from {{ ref('drift_settings') }}
),

binned_numbers as (
    select * from {{ ref('drift_number_bins') }}
),

mart_rows as not materialized (
    {{ drift_rows(drift_marts().marts) }}
),

unnested_texts as not materialized (
    select
        window_start,
        texts_before + generate_subscripts(texts, 1) as position,
        unnest(texts) as category,
    from mart_rows
),

counted_texts as (
    select
        unnested_texts.position,
        unnested_texts.window_start,
        unnested_texts.category,
        count(*) as row_count,
    from unnested_texts
    semi join compared_columns
        on unnested_texts.position = compared_columns.position
    group by all
),

frequent as (
    select
        position,
        category,
    from counted_texts
    where window_start is null and category is not null
    qualify
        row_count
        >= {{ rare_share }} * sum(row_count) over (partition by position)
),

bin_values as (
    select
        position,
        window_start,
        coalesce(bin, '(unknown)') as bin,
        row_count,
        total,
    from binned_numbers

    union all

    select
        counted_texts.position,
        counted_texts.window_start,
        case
            when counted_texts.category is null then '(unknown)'
            when frequent.category is null then '(others)'
            else '= ' || counted_texts.category
        end as bin,
        sum(counted_texts.row_count) as row_count,
        null as total,
    from counted_texts
    left join frequent
        on
            counted_texts.position = frequent.position
            and counted_texts.category = frequent.category
    group by all
),

count_rows as (
    select
        compared_columns.campaign,
        compared_columns.feature,
        compared_columns.feature_kind,
        bin_values.window_start,
        cast(case settings.unit
            when 'week' then bin_values.window_start + interval 6 day
            when 'month' then last_day(bin_values.window_start)
            else bin_values.window_start
        end as date) as window_end,
        bin_values.bin as bin_label,
        bin_values.bin,
        cast(bin_values.row_count as bigint) as row_count,
        bin_values.total,
        compared_columns.is_accepted,
    from bin_values
    inner join compared_columns using (position)
    inner join settings using (campaign)
)

select * from count_rows
