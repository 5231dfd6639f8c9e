import type pg from 'pg';
import { createShopSchema } from '../../../models/totesys/sample/schema.ts';

/** Tables in the order in which foreign keys let them be filled. */
const tables = [
  'address',
  'department',
  'currency',
  'design',
  'payment_type',
  'counterparty',
  'staff',
  'sales_order',
  'purchase_order',
  'transaction',
  'payment',
];

/** Makes the empty shop, and the role that captures it with nothing but read rights. */
export async function makeShop(source: pg.Client): Promise<void> {
  await createShopSchema(source);
  await source.query(`
    create role reader login;
    grant select on all tables in schema public to reader`);
}

const opened = `timestamp '2024-03-01 09:00:00.000001'`;

/** Gives the shop the same few rows again, whatever it held. */
export async function openShop(source: pg.Client): Promise<void> {
  const at = (n: string) => `${opened} + ${n} * interval '1 hour 1 microsecond'`;
  const stamps = `${at('n')}, ${at('n')}`;
  await source.query(`
    begin;
    truncate ${tables.join(', ')};
    grant select on all tables in schema public to reader;
    insert into address select n, 'No ' || n, case n % 2 when 0 then 'Rear' end, null, 'Town ' || n, 'P' || n,
           'Country', '0' || n, ${stamps} from generate_series(1, 3) n;
    insert into department select n, 'Department ' || n, 'Room ' || n, null, ${stamps} from generate_series(1, 2) n;
    insert into currency select n, (array['GBP', 'USD', 'EUR'])[n], ${stamps} from generate_series(1, 3) n;
    insert into design select n, 'Design ' || n, '/designs', n || '.json', ${stamps} from generate_series(1, 3) n;
    insert into payment_type select n, 'Type ' || n, ${stamps} from generate_series(1, 2) n;
    insert into counterparty select n, 'Counterparty ' || n, n, null, null, ${stamps} from generate_series(1, 3) n;
    insert into staff select n, 'First ' || n, 'Last ' || n, 1 + n % 2, n || '@shop.example', ${stamps}
      from generate_series(1, 3) n;
    insert into sales_order select n, 1 + n % 3, 1 + n % 3, 1 + n % 3, n * 10, n + 0.25, 1 + n % 3,
           '2024-04-0' || n, '2024-05-0' || n, 1 + n % 3, ${stamps} from generate_series(1, 5) n;
    insert into purchase_order select n, 1 + n % 3, 1 + n % 3, 'ITEM' || n, n * 7, n + 0.75, 1 + n % 3,
           '2024-06-0' || n, '2024-07-0' || n, 1 + n % 3, ${stamps} from generate_series(1, 3) n;
    insert into transaction select n, case when n <= 5 then 'SALE' else 'PURCHASE' end,
           case when n <= 5 then n end, case when n > 5 then n - 5 end, ${stamps} from generate_series(1, 8) n;
    insert into payment select n, n, 1 + n % 3, n * 100.01, 1 + n % 3, 1 + n % 2, n % 2 = 0, '2024-08-0' || n,
           1, 2, ${stamps} from generate_series(1, 8) n;
    commit`);
}
