-- The agreed dates stay text: one that is no date equals no date of the warehouse, and nothing fails on it.
-- A price with more digits than the warehouse has keeps them, so that it differs from what it would be rounded to.
select purchase_order_id,
       created_at::date   as created_date,
       created_at::time   as created_time,
       last_updated::date as last_updated_date,
       last_updated::time as last_updated_time,
       staff_id,
       counterparty_id,
       item_code,
       item_quantity,
       round(item_unit_price, greatest(scale(trim_scale(item_unit_price)), 2)) as item_unit_price,
       currency_id,
       agreed_delivery_date,
       agreed_payment_date,
       agreed_delivery_location_id
  from purchase_order
