import {
  defineDimension,
  defineFact,
  int,
  type ModelDefinition,
  type TableDefinition,
  timestamp,
  varchar,
} from '../../../shared/model/define.ts';

/** Shops, by either of two keys. */
export const shop = defineDimension({
  name: 'dim_shop',
  source: {
    table: 'shop',
    key: ['shop_id'],
    columns: { shop_id: 'int4', code: 'varchar', town: 'varchar' },
  },
  key: ['shop_id'],
  columns: { shop_id: int('shop_id'), code: varchar('code'), town: varchar('town') },
});

const saleSource = {
  table: 'sale',
  key: ['sale_id'],
  columns: {
    sale_id: 'int4',
    ref: 'varchar',
    shop_id: 'int4',
    shop_code: 'varchar',
    cents: 'int4',
    changed: 'timestamp',
  },
} as const;

/** Every version of a sale, by either of two keys. */
export const sale = defineFact({
  name: 'fact_sale',
  source: saleSource,
  key: ['sale_id'],
  versions: ['changed'],
  surrogateKey: 'sale_record',
  columns: {
    sale_id: int('sale_id'),
    ref: varchar('ref'),
    shop_id: int('shop_id', { references: 'dim_shop' }),
    cents: int('cents'),
    changed: timestamp('changed'),
  },
});
export const saleByRef = { ...sale, key: ['ref'], source: { ...saleSource, key: ['ref'] } };

export const withTables = (...tables: TableDefinition[]): ModelDefinition => ({ name: 'test', tables });

export const byId = withTables(shop, sale);
export const byRef = withTables(shop, saleByRef);

export const salesTables = `
  create table shop (shop_id int primary key, code text not null unique, town text not null);
  create table sale (sale_id int primary key, ref text not null unique, shop_id int not null references shop,
                     shop_code text not null, cents int not null, changed timestamp not null);
  insert into shop select n, 'S' || n, 'Town ' || n from generate_series(1, 5) n;
  insert into sale select n, 'R' || n, 1 + n % 5, 'S' || (1 + n % 5), n, '2026-01-01 00:00:00.000001'
    from generate_series(1, 200) n`;
