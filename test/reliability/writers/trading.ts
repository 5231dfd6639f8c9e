import type pg from 'pg';
import type { RowRandom } from '../../../models/totesys/sample/random.ts';

/** No two rows of one table get the same id, nor two changes the same moment. */
let numbers = 100;

/** The order that only the transaction that is held open changes: nobody ever waits for it. */
const heldOrder = 5;

/** One committed change of the shop, of every kind that capture has to do with. */
export async function changeShop(source: pg.Client, random: RowRandom): Promise<void> {
  const changes = [
    sellOrder,
    editOrder,
    editInPlace,
    pay,
    moveStaff,
    renameParents,
    renameParents,
    reviseDesign,
    cancelPayment,
    cancelPayment,
    payAgain,
    closeOffice,
  ];
  const change = changes[random.below(changes.length)] ?? sellOrder;
  // A session reports its deletes at its next pause, unless it is asked to.
  const report = 'select pg_stat_force_next_flush()';
  await source.query(`begin; ${change(random)}; ${report}; ${random.oneIn(8) ? 'rollback' : 'commit'}`);
}

/** Begins a transaction whose rows are older than what is captured before it commits. */
export async function beginLate(late: pg.Client, random: RowRandom): Promise<void> {
  await late.query(`
    begin;
    ${sellOrder(random, `timestamp '2020-01-01'`)};
    savepoint edit;
    update sales_order set units_sold = units_sold + 1 where sales_order_id = ${heldOrder};
    ${random.oneIn(2) ? 'rollback to edit' : 'release edit'}`);
}

const moment = (): string => `timestamp '2024-09-01' + ${++numbers} * interval '1 minute 1 microsecond'`;

/** With a design that nobody has seen before: facts and dimensions that have to find each other. */
function sellOrder(random: RowRandom, at = moment()): string {
  const id = ++numbers;
  const [staff, party, currency] = [random.between(1, 3), random.between(1, 3), random.between(1, 3)];
  const design = random.oneIn(2) ? id : 1;
  return `
    insert into design values (${id}, 'Design ${id}', '/designs', '${id}.json', ${at}, ${at});
    insert into sales_order values (${id}, ${design}, ${staff}, ${party}, ${random.below(100)},
      ${random.below(1000)}.25, ${currency}, '2024-10-01', '2024-11-${random.between(10, 30)}', 1, ${at}, ${at});
    insert into transaction values (${id}, 'SALE', ${id}, null, ${at}, ${at});
    insert into payment values (${id}, ${id}, ${party}, ${random.below(10_000)}.99, ${currency}, 1, false,
      '2025-01-${random.between(10, 30)}', 1, 2, ${at}, ${at})`;
}

const editOrder = (random: RowRandom): string =>
  `update sales_order set units_sold = units_sold + 1, last_updated = ${moment()}
    where sales_order_id = ${random.between(1, 3)}`;

const editInPlace = (random: RowRandom): string =>
  `update sales_order set unit_price = unit_price + 1 where sales_order_id = ${random.between(1, 3)}`;

const pay = (random: RowRandom): string =>
  `update payment set paid = not paid, last_updated = ${moment()} where payment_id = ${random.between(1, 8)}`;

const cancelPayment = (random: RowRandom): string =>
  `delete from payment where payment_id = ${random.between(1, 8)} and exists (select from payment where payment_id > 8)`;

/** A key that may have been deleted comes back, under another version. */
function payAgain(random: RowRandom): string {
  const at = moment();
  return `
    insert into payment
      select ${random.between(1, 8)}, transaction_id, counterparty_id, payment_amount + 1, currency_id, payment_type_id,
             paid, payment_date, company_ac_number, counterparty_ac_number, ${at}, ${at}
        from payment order by payment_id limit 1
      on conflict do nothing`;
}

/** One that no order and no counterparty names: opened by one such change, and closed by another. */
function closeOffice(random: RowRandom): string {
  const id = 50 + random.below(3);
  if (random.oneIn(2)) return `delete from address where address_id = ${id}`;
  const at = moment();
  return `
    insert into address
      select ${id}, address_line_1, address_line_2, district, city, postal_code, country, 'Phone ${numbers}', ${at}, ${at}
        from address where address_id = 1
      on conflict do nothing`;
}

const moveStaff = (random: RowRandom): string =>
  `update staff set department_id = ${random.between(1, 2)} where staff_id = ${random.between(1, 3)}`;

const renameParents = (random: RowRandom): string =>
  `update department set department_name = 'Department ${++numbers}' where department_id = ${random.between(1, 2)};
   update address set phone = 'Phone ${numbers}' where address_id = ${random.between(1, 3)}`;

const reviseDesign = (random: RowRandom): string =>
  `update design set file_name = 'revision-${++numbers}.json' where design_id = ${random.between(1, 3)}`;
