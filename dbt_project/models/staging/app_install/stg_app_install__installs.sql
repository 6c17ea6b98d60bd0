with installs as (
    {{ cleaned_rows('app_install', 'installs') }}
)

select * from installs
