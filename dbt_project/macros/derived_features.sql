{# Number of rows that share the values of all columns, such as the list of a day; null where one is missing.
   Rounded down to its first digit: an exact number would name the day, and a model would learn its outcomes by heart. #}
{% macro rows_sharing(columns) -%}
    {%- set rows = "count(*) over (partition by " ~ columns | join(', ') ~ ")" -%}
    case
        when {{ columns | join(' is not null and ') }} is not null
            then {{ rows }} - {{ rows }}
                % cast(pow(10, floor(log10({{ rows }}))) as bigint)
    end
{%- endmacro %}

{# Days since the date before among the rows; null on the first date. #}
{% macro days_since_last(date) -%}
    date_diff('day', max({{ date }}) over ({{ earlier_dates(date) }}), {{ date }})
{%- endmacro %}

{# Day of the year of a month (a number or an English name) and a day; null where there is no such day. #}
{% macro day_of_year(month, day) -%}
    dayofyear(
        try_strptime(
            concat('2000 ', {{ month }}, ' ', {{ day }}),
            ['%Y %m %d', '%Y %b %d', '%Y %B %d']
        )
    )
{%- endmacro %}

{# Share of the rows with a known outcome that have a row's code: 0 for a code that none of them has. #}
{% macro share_of_known(code, label) -%}
    case
        when {{ code }} is not null
            then
                count({{ label }}) over (partition by {{ code }})
                / nullif(count({{ label }}) over (), 0)
    end
{%- endmacro %}

{# Share of the rows of earlier dates that have a row's code: 0 for a new code, null on the first date. #}
{% macro share_of_earlier(code, time) -%}
    {%- set date = "cast(" ~ time ~ " as date)" -%}
    case
        when {{ code }} is not null and {{ time }} is not null
            then
                count(*) over (partition by {{ code }} {{ earlier_dates(date) }})
                / nullif(count(*) over ({{ earlier_dates(date) }}), 0)
    end
{%- endmacro %}

{# The part of a window that is the rows of the dates before a row's own. #}
{% macro earlier_dates(date) -%}
    order by {{ date }}
    range between unbounded preceding and interval 1 day preceding
{%- endmacro %}

{# Number of columns that are missing in a row. #}
{% macro missing_count(columns) -%}
    {% for column in columns -%}
    cast({{ column }} is null as integer)
    {%- if not loop.last %}
    + {% endif %}
    {%- endfor %}
{%- endmacro %}
