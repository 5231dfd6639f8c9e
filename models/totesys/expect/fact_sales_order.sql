-- The agreed dates stay text: one that is no date equals no date of the warehouse, and nothing fails on it.
-- A price with more digits than the warehouse has keeps them, so that it differs from what it would be rounded to.
select sales_order_id,
       created_at::date   as created_date,
       created_at::time   as created_time,
       last_updated::date as last_updated_date,
       last_updated::time as last_updated_time,
       staff_id           as sales_staff_id,
       counterparty_id,
       units_sold,
       round(unit_price, greatest(scale(trim_scale(unit_price)), 2)) as unit_price,
       currency_id,
       design_id,
       agreed_payment_date,
       agreed_delivery_date,
       agreed_delivery_location_id
  from sales_order
