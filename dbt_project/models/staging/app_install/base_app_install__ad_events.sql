{{ config(
    materialized='table',
    pre_hook="{{ load_raw('app_install', 'ad_events') }}",
) }}

{{ typed_rows('app_install', 'ad_events', faults=[{
    'condition': "event_type not in ('impression', 'click')",
    'reason': "concat('event_type is neither impression nor click: ', event_type)",
}]) }}
