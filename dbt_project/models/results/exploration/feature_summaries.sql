-- means and quantiles are those of about so many rows, chosen by a hash of the key
{% set sampled_rows = 10000 %}
-- quantiles, and the share of the known values beyond each
{% set quantiles = {
    'p05': 0.05, 'p25': 0.25, 'median': 0.5, 'p75': 0.25, 'p95': 0.05
} %}
-- per campaign: the numbers of its mart
{% set marts = [] %}
{% for mart in all_marts() %}
{% set meta = mart.declaration %}
{% set numbers = features_and_audited(mart) | rejectattr('is_text')
    | map(attribute='column_name') | list %}
{% if numbers %}
{% do marts.append({
    'campaign': mart.campaign, 'relation': mart.relation, 'entity': meta.entity, 'numbers': numbers,
    'known': meta.label ~ ' is not null' if meta.label else 'true',
}) %}
{% endif %}
{% endfor %}

with counts as (
    select * from {{ ref('conversion_counts') }}
    where is_feature or is_audited
),

{% for mart in marts %}
numbers_of_{{ mart.campaign }} as (
    select
        cast(columns(
            {{ tojson(mart.numbers) | replace('"', "'") }}
        ) as double),
    from {{ mart.relation }}
    where
        {{ mart.known }}
        and hash({{ mart.entity }}) % cast((
            select count(*) // {{ sampled_rows }} + 1
            from {{ mart.relation }}
            where {{ mart.known }}
        ) as ubigint) = 0
),

-- columns() repeats an expression for each column
summary_of_{{ mart.campaign }} as (
    select
        {
            'known_count': count(columns(*)),
            'mean': cast({{ exact_sum('columns(*)') }} as double)
            / nullif(count(columns(*)), 0),
            'quantiles': quantile_cont(
                columns(*), [0.05, 0.25, 0.5, 0.75, 0.95]
            ),
        },
    from (
        select if(isfinite(columns(*)), columns(*), null)
        from numbers_of_{{ mart.campaign }}
    )
),

{% endfor %}
sum_up_rows as (
    {% for mart in marts %}
    select
        '{{ mart.campaign }}' as campaign,
        feature,
        unnest(summary),
    from (
        unpivot summary_of_{{ mart.campaign }}
        on columns(*)
        into name feature value summary
    )
    {{ 'union all' if not loop.last }}
    {% endfor %}
    {% if not marts %}
    select
        cast(null as varchar) as campaign,
        cast(null as varchar) as feature,
        cast(null as bigint) as known_count,
        cast(null as double) as mean,
        cast(null as double[]) as quantiles,
    where false
    {% endif %}
),

add_rates as (
    select
        *,
        sum(converted) over whole / sum(row_count) over whole as base_rate,
        converted - row_count * base_rate as surplus,
    from counts
    window whole as (partition by campaign, column_name)
),

count_rows as (
    select
        campaign,
        column_name as feature,
        sum(row_count) as row_count,
        coalesce(
            sum(row_count) filter (where category = '(unknown)'), 0
        ) as missing_count,
        count(*) as categories,
        cast({{ exact_sum(
            'surplus * surplus / row_count / nullif(base_rate * (1 - base_rate), 0)'
        ) }} as double) / sum(row_count) as contingency,
    from add_rates
    group by campaign, column_name
),

-- a figure that fewer people stand for might be that of one of them
shown as (
    select
        count_rows.campaign,
        count_rows.feature,
        if(sum_up_rows.feature is null, 'text', 'number') as feature_kind,
        cast(count_rows.row_count as bigint) as row_count,
        cast(count_rows.missing_count as bigint) as missing_count,
        {{ cramers_v(
            'count_rows.contingency',
            'count_rows.categories',
            '2',
            'count_rows.row_count'
        ) }} as outcome_association,
        case
            when sum_up_rows.known_count >= {{ var('smallest_cell') }}
                then sum_up_rows.mean
        end as mean,
        {% for name, share in quantiles.items() %}
        case
            when
                sum_up_rows.known_count * {{ share }}
                >= {{ var('smallest_cell') }}
                then sum_up_rows.quantiles[{{ loop.index }}]
        end as {{ name }},
        {% endfor %}
    from count_rows
    left join sum_up_rows using (campaign, feature)
)

select * from shown
