/** What the first run asks of the sample shop's warehouse. Amounts in different currencies are not added, nor compared. */
export const closingQuestion = `select d.year, d.month_name, c.currency_code, count(*) as orders,
       sum(f.units_sold * f.unit_price) as revenue
  from fact_sales_order_current f
  join dim_date_current d on d.date_id = f.created_date
  join dim_currency_current c using (currency_id)
 group by d.year, d.month, d.month_name, c.currency_code
 order by orders desc, d.year desc, d.month desc, c.currency_code
 limit 5`;

/** The columns that the closing question reads, by the table whose current rows they are of. */
export const closingColumns: Record<string, readonly string[]> = {
  fact_sales_order: ['units_sold', 'unit_price', 'created_date', 'currency_id'],
  dim_date: ['date_id', 'year', 'month', 'month_name'],
  dim_currency: ['currency_id', 'currency_code'],
};
