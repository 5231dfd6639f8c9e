import { describe, expect, it } from '@jest/globals';
import {
  dateOf,
  defineDimension,
  defineFact,
  int,
  numeric,
  timeOf,
  varchar,
} from '../../../shared/model/define.ts';
import { assembleModel } from '../../../shared/model/model.ts';
import type { ForeignKeys } from '../../../shared/warehouse/relation.ts';
import { warehouseDdl } from '../../../shared/warehouse/warehouse-schema.ts';
import { calendar } from '../../helpers/models/calendar.ts';

const colour = defineDimension({
  name: 'dim_colour',
  source: { table: 'colour', key: ['colour_id'], columns: { colour_id: 'int4', name: 'varchar?' } },
  key: ['colour_id'],
  columns: { colour_id: int('colour_id'), name: varchar('name', { nullable: true }) },
});

const columns = {
  sale_id: 'int4',
  price: 'numeric(12,2)',
  colour_id: 'int4',
  last_updated: 'timestamp',
} as const;
const sale = defineFact({
  name: 'fact_sale',
  source: { table: 'sale', key: ['sale_id'], columns },
  key: ['sale_id'],
  versions: ['changed_on', 'changed_at'],
  surrogateKey: 'sale_record_id',
  columns: {
    sale_id: int('sale_id'),
    price: numeric(12, 2, 'price'),
    colour_id: int('colour_id', { references: 'dim_colour' }),
    changed_on: dateOf('last_updated'),
    changed_at: timeOf('last_updated'),
  },
});

// The fact stands before what it references.
const model = assembleModel({ name: 'test', tables: [sale, colour, calendar] });
const ddl = (foreignKeys: ForeignKeys, serverVersion: number) =>
  warehouseDdl(model, { schema: 'shop', foreignKeys, serverVersion });

const factUpToKeys = `create table "shop"."fact_sale" (
  "sale_record_id" bigserial not null,
  "sale_id" int not null,
  "price" numeric(12,2) not null,
  "colour_id" int not null,
  "changed_on" date not null,
  "changed_at" time not null,
  "_object_id" int8 not null,
  "_deleted_by" int8,
  primary key ("sale_record_id"),
  unique ("sale_id", "changed_on", "changed_at")`;

const numbers = expect.stringContaining('cache 32') as unknown as string;

describe('the DDL of the warehouse', () => {
  it('makes dimensions before the facts that name them', () => {
    const made = ddl('enforced', 150_000).flatMap(
      (statement) => /^create table (\S+)/.exec(statement)?.[1] ?? [],
    );
    expect(made).toEqual(['"shop"."dim_date"', '"shop"."dim_colour"', '"shop"."fact_sale"']);
  });

  it('has nulls where the model has them, and the lineage', () => {
    expect(ddl('declared', 180_000)).toContain(`create table "shop"."dim_colour" (
  "colour_id" int not null,
  "name" varchar,
  "_object_id" int8 not null,
  "_deleted_by" int8,
  primary key ("colour_id")
)`);
  });

  it('declares foreign keys without enforcing them from Postgres 18 on', () => {
    expect(ddl('declared', 180_000).slice(-2)).toEqual([
      `${factUpToKeys},
  foreign key ("colour_id") references "shop"."dim_colour" ("colour_id") not enforced,
  foreign key ("changed_on") references "shop"."dim_date" ("date_id") not enforced
)`,
      numbers,
    ]);
  });

  it('names them in comments below Postgres 18', () => {
    expect(ddl('declared', 170_009).slice(-4)).toEqual([
      `${factUpToKeys}\n)`,
      `comment on column "shop"."fact_sale"."colour_id" is 'references "shop"."dim_colour" ("colour_id")'`,
      `comment on column "shop"."fact_sale"."changed_on" is 'references "shop"."dim_date" ("date_id")'`,
      numbers,
    ]);
  });

  it.each([150_000, 180_000])('enforces them where that is asked for, on %d too', (version) => {
    expect(ddl('enforced', version).slice(-2)).toEqual([
      `${factUpToKeys},
  foreign key ("colour_id") references "shop"."dim_colour" ("colour_id"),
  foreign key ("changed_on") references "shop"."dim_date" ("date_id")
)`,
      numbers,
    ]);
  });

  it('refuses a fact whose versions cannot be told apart', () => {
    const { changed_on: _, ...rest } = sale.columns;
    expect(() =>
      assembleModel({ name: 'test', tables: [{ ...sale, columns: rest }, colour, calendar] }),
    ).toThrow('fact_sale has no column for its key changed_on');
  });
});
