{{ config(
    materialized='table',
    pre_hook="{{ load_raw('insurance', 'calls') }}",
) }}

{{ typed_rows('insurance', 'calls', faults=[{
    'condition': "call_day is not null and call_month is not null and try_strptime("
        ~ "concat('2008 ', call_month, ' ', call_day), ['%Y %b %d', '%Y %B %d', '%Y %m %d']) is null",
    'reason': "concat('no such day: ', call_day, ' ', call_month, "
        ~ "'; a month is jan to dec or 1 to 12')",
}]) }}
