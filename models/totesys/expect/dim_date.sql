-- The days that facts name. Each column's distinct values come first, once: all of the checks come after that.
-- A text that is not a date gives no row. Before Postgres 16 every cast can fail, so the day is counted from the first of
-- its month, and a day that the month does not have comes out as another text.
with text_day (text) as materialized (
  select agreed_payment_date from sales_order
  union select agreed_delivery_date from sales_order
  union select agreed_payment_date from purchase_order
  union select agreed_delivery_date from purchase_order
  union select payment_date from payment
), parsed_day (text, day) as materialized (
  select text,
         case when text ~ '^\d{4}-(0[1-9]|1[0-2])-[0-3]\d$' and text !~ '^0000'
              then (left(text, 8) || '01')::date + (right(text, 2)::int - 1) end
    from text_day
), named_day (day) as (
  select day from parsed_day where to_char(day, 'YYYY-MM-DD') = text
  union select created_at::date from sales_order
  union select last_updated::date from sales_order
  union select created_at::date from purchase_order
  union select last_updated::date from purchase_order
  union select created_at::date from payment
  union select last_updated::date from payment
)
select day                        as date_id,
       extract(year from day)     as year,
       extract(month from day)    as month,
       extract(day from day)      as day,
       extract(isodow from day)   as day_of_week,
       -- Without TM these names are English everywhere.
       to_char(day, 'FMDay')      as day_name,
       to_char(day, 'FMMonth')    as month_name,
       extract(quarter from day)  as quarter
  from named_day
 where isfinite(day)
