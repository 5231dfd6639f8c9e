export type Random = (limit: number) => number;

/** Numbers below a limit, the same for the same seed (Lehmer's generator). */
export function makeRandom(seed: number): Random {
  let state = (seed % 2_147_483_646) + 1;
  return (limit) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % limit;
  };
}

let ids = 1000;

const now = 'clock_timestamp()::timestamp';
const one = (random: Random): number => 1 + random(3);

/** With a design that nobody has seen before: a fact and a dimension that have to find each other. */
export const sell = (random: Random): string => {
  const id = ++ids;
  return `
    insert into design values (${id}, 'Design ${id}', '/designs', '${id}.json', ${now}, ${now});
    insert into sales_order values (${id}, ${id}, ${one(random)}, ${one(random)}, ${random(90)}, ${random(900)}.25,
      ${one(random)}, '2024-10-01', '2024-11-${10 + random(20)}', ${one(random)}, ${now}, ${now});
    insert into transaction values (${id}, 'SALE', ${id}, null, ${now}, ${now});
    insert into payment values (${id}, ${id}, ${one(random)}, ${random(9000)}.99, ${one(random)}, 1, false,
      '2025-01-${10 + random(20)}', 1, 2, ${now}, ${now})`;
};
const editOrder = (random: Random): string =>
  `update sales_order set units_sold = units_sold + 1, last_updated = ${now} where sales_order_id = ${1 + random(5)}`;
export const editInPlace = (random: Random): string =>
  `update sales_order set unit_price = unit_price + 0.01 where sales_order_id = ${1 + random(5)}`;
const pay = (random: Random): string =>
  `update payment set paid = not paid, last_updated = ${now} where payment_id = ${1 + random(8)}`;
const buy = (random: Random): string =>
  `update purchase_order set item_quantity = item_quantity + 1, last_updated = ${now}
    where purchase_order_id = ${one(random)}`;
const rename = (random: Random): string =>
  `update department set department_name = 'Department ${random(999)}' where department_id = ${1 + random(2)};
   update address set phone = '${random(9999)}' where address_id = ${one(random)}`;
const move = (random: Random): string =>
  `update staff set department_id = ${1 + random(2)} where staff_id = ${one(random)}`;

export const statements = [sell, editOrder, editInPlace, pay, buy, rename, move];
