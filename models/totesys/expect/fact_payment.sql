-- The payment date stays text: one that is no date equals no date of the warehouse, and nothing fails on it.
-- An amount with more digits than the warehouse has keeps them, so that it differs from what it would be rounded to.
select payment_id,
       created_at::date   as created_date,
       created_at::time   as created_time,
       last_updated::date as last_updated_date,
       last_updated::time as last_updated_time,
       transaction_id,
       counterparty_id,
       round(payment_amount, greatest(scale(trim_scale(payment_amount)), 2)) as payment_amount,
       currency_id,
       payment_type_id,
       paid,
       payment_date
  from payment
