import type pg from 'pg';

/** Gives every table of the shop something new. */
export async function changeEverything(source: pg.Client): Promise<void> {
  await source.query(`
    update address set phone = phone || '1', last_updated = now();
    update currency set currency_code = reverse(currency_code);
    update design set file_name = file_name || 'x';
    update payment_type set payment_type_name = payment_type_name || ' x';
    update counterparty set counterparty_legal_name = counterparty_legal_name || ' Ltd';
    update staff set last_name = last_name || 'son';
    update department set department_name = department_name || ' x';
    update sales_order set units_sold = units_sold + 1, last_updated = last_updated + interval '1 day';
    update purchase_order set item_quantity = item_quantity + 1;
    update transaction set transaction_type = 'SALE';
    update payment set paid = not paid, last_updated = last_updated + interval '1 hour'`);
}
