with ad_events as (
    {{ cleaned_rows('app_install', 'ad_events') }}
)

select * from ad_events
