import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  type DimensionDefinition,
  defineDimension,
  defineIngestedOnly,
  int,
  numeric,
  type SourceDefinition,
  varchar,
} from '../../../../shared/model/define.ts';
import { assembleModel, type Model } from '../../../../shared/model/model.ts';
import { calendar } from '../../../helpers/models/calendar.ts';
import { startTemporaryPostgres } from '../../../helpers/postgres/temporary-postgres.ts';
import type { CaptureBench } from '../capture-bench.ts';
import { benchInEachTest } from '../each-bench.ts';
import { ingestedObjects } from '../ingested-rows.ts';

const stateKey = 'state/capture.json';

const itemSource: SourceDefinition = {
  table: 'item',
  key: ['item_id'],
  columns: { item_id: 'int4', note: 'varchar?', last_updated: 'timestamp' },
};
const dimItem = defineDimension({
  name: 'dim_item',
  source: itemSource,
  key: ['item_id'],
  columns: { item_id: int('item_id'), note: varchar('note', { nullable: true }) },
});
const staffSource: SourceDefinition = {
  table: 'staff',
  key: ['staff_id'],
  columns: { staff_id: 'int4', first_name: 'varchar', department_id: 'int4?', last_updated: 'timestamp' },
};
const departmentSource: SourceDefinition = {
  table: 'department',
  key: ['department_id'],
  columns: { department_id: 'int4', department_name: 'varchar', last_updated: 'timestamp' },
};
const dimDepartment = defineDimension({
  name: 'dim_department',
  source: departmentSource,
  key: ['department_id'],
  columns: { department_id: int('department_id'), department_name: varchar('department_name') },
});

const modelOf = (item: DimensionDefinition, staff: SourceDefinition, ...more: DimensionDefinition[]): Model =>
  assembleModel({
    name: 'test',
    tables: [calendar, item, defineIngestedOnly(staff), defineIngestedOnly(departmentSource), ...more],
  });

const before = modelOf(dimItem, staffSource);
const join = {
  path: 'department',
  table: 'department',
  match: { department_id: 'department_id' },
  columns: { department_name: 'varchar' as const },
};

/** What may change in the model, and the source tables that must then be read in full. */
const changes: [what: string, after: Model, tables: string[]][] = [
  [
    'a warehouse table over a source that is captured already',
    modelOf(dimItem, staffSource, dimDepartment),
    ['department'],
  ],
  [
    'a second warehouse table over a source that feeds one',
    modelOf(dimItem, staffSource, { ...dimItem, name: 'dim_item_again' }),
    ['item'],
  ],
  ['a warehouse table under another name', modelOf({ ...dimItem, name: 'dim_thing' }, staffSource), ['item']],
  [
    'a warehouse column of a field that is ingested already',
    modelOf(
      { ...dimItem, columns: { ...dimItem.columns, remark: varchar('note', { nullable: true }) } },
      staffSource,
    ),
    ['item'],
  ],
  [
    'a column made of another field of the same type',
    modelOf(
      { ...dimItem, columns: { item_id: int('item_id'), note: numeric(12, 0, 'item_id') } },
      staffSource,
    ),
    ['item'],
  ],
  [
    'a column that was not null',
    modelOf({ ...dimItem, columns: { ...dimItem.columns, note: varchar('note') } }, staffSource),
    ['item'],
  ],
  [
    'a column that is ingested as well',
    modelOf(
      { ...dimItem, source: { ...itemSource, columns: { ...itemSource.columns, price: 'numeric(10,2)?' } } },
      staffSource,
    ),
    ['item'],
  ],
  [
    'the order of the columns that are ingested',
    modelOf(
      {
        ...dimItem,
        source: { ...itemSource, columns: { note: 'varchar?', item_id: 'int4', last_updated: 'timestamp' } },
      },
      staffSource,
    ),
    ['item'],
  ],
  ['a join', modelOf(dimItem, { ...staffSource, joins: [join] }), ['staff']],
];

describe('a table of the source', () => {
  let bench: CaptureBench;
  benchInEachTest(startTemporaryPostgres, (made) => {
    bench = made;
  });
  beforeEach(async () => {
    await bench.source.query(`insert into item values (1, 'a'), (2, 'b');
      insert into department values (1, 'Sales'); insert into staff values (1, 'Ann', 1)`);
  });

  const run = async (model: Model) => {
    const planned = await bench.plan({ model });
    await bench.extractAll({ model });
    return planned.slices.map(({ table, full }) => ({ table, full }));
  };
  const full = (tables: string[]) => tables.map((table) => ({ table, full: true }));
  const readState = () => JSON.parse(Buffer.from(bench.store.objects.get(stateKey)?.body ?? []).toString());
  const writeState = (state: unknown) => bench.store.put(stateKey, Buffer.from(JSON.stringify(state)));

  /** Of the two last objects of a table: the load takes the later one's rows only if its version is greater. */
  const isNewer = (table: string) => {
    const [former, later] = ingestedObjects(bench.store, table).slice(-2);
    const index = later?.version.findIndex((part, at) => part !== former?.version[at]) ?? -1;
    return index >= 0 && (later?.version[index] ?? 0n) > (former?.version[index] ?? 0n);
  };

  it.each(changes)('is read in full, it alone, after a change of the model: %s', async (_, after, tables) => {
    await run(before);
    expect(await run(after)).toEqual(full(tables));
    for (const table of tables) expect(isNewer(table)).toBe(true);
    // Once.
    expect(await run(after)).toEqual([]);
  });

  it('is read in full under a greater version by a role that may not write at all', async () => {
    await bench.source.query('alter role reader set default_transaction_read_only = on');
    try {
      await run(before);
      expect(await run(modelOf(dimItem, staffSource, dimDepartment))).toEqual(full(['department']));
      expect(isNewer('department')).toBe(true);
    } finally {
      await bench.source.query('alter role reader reset default_transaction_read_only');
    }
  });

  it('is read in full under a greater version when it comes back into the model', async () => {
    await run(before);
    await run(assembleModel({ name: 'test', tables: [calendar, dimItem] }));
    expect(await run(before)).toEqual(full(['staff', 'department']));
    expect(isNewer('department')).toBe(true);
  });

  it('is read in full under a greater version when the model that it did not fit is mended', async () => {
    await run(before);
    const wrong: SourceDefinition = {
      ...staffSource,
      columns: { ...staffSource.columns, first_name: 'int4' },
    };
    await bench.plan({ model: modelOf(dimItem, wrong) });
    bench.queue.splice(0);
    expect(await run(before)).toEqual(full(['staff']));
    expect(isNewer('staff')).toBe(true);
  });

  it('asks the source for no xid as long as nothing is read again', async () => {
    await run(before);
    const next = async () =>
      (await bench.source.query('select pg_snapshot_xmax(pg_current_snapshot())::text as xid')).rows;
    const known = await next();
    await run(before);
    expect(await next()).toEqual(known);
  });

  it('keeps the calendar filled: a fact is read in full when the calendar changes', async () => {
    const sale = (name: string) =>
      assembleModel({
        name: 'test',
        tables: [
          { ...calendar, name },
          {
            kind: 'fact',
            name: 'fact_item',
            source: itemSource,
            key: ['item_id'],
            versions: ['day', 'time'],
            surrogateKey: 'record_id',
            columns: {
              item_id: int('item_id'),
              day: {
                type: { name: 'date' },
                from: { kind: 'date of', field: 'last_updated' },
                nullable: false,
                references: name,
              },
              time: {
                type: { name: 'time' },
                from: { kind: 'time of', field: 'last_updated' },
                nullable: false,
              },
            },
          },
          dimDepartment,
        ],
      });
    await run(sale('dim_date'));
    expect(await run(sale('dim_day'))).toEqual(full(['item']));
  });

  describe('whose state was written before the model was part of it', () => {
    /** What was written of a table then, of its definition alone and by a query of its own. */
    const formerFingerprint = async (...names: string[]) => {
      const definitions = await Promise.all(
        names.map(async (name) => {
          const { rows } = await bench.source.query(
            `select attnum::int as number, attname::text as name, atttypid::int as "typeOid",
                    format_type(atttypid, atttypmod) as type
               from pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped order by attnum`,
            [name],
          );
          const oid = (await bench.source.query('select $1::regclass::oid::text as oid', [name])).rows[0].oid;
          return [
            oid,
            [oid],
            rows.map(({ number, name, typeOid, type }) => [number, name, typeOid, type, null]),
          ];
        }),
      );
      return createHash('sha256').update(JSON.stringify(definitions)).digest('hex');
    };
    const formerState = async () => ({
      ...readState(),
      version: 1,
      tables: {
        item: { fingerprint: await formerFingerprint('item') },
        staff: { fingerprint: await formerFingerprint('staff', 'department') },
        department: { fingerprint: await formerFingerprint('department') },
      },
    });
    const model = modelOf(dimItem, { ...staffSource, joins: [join] });

    it('is taken as it is, and read again only when the model changes after that', async () => {
      await run(model);
      await writeState(await formerState());
      expect(await run(model)).toEqual([]);
      expect(readState()).toMatchObject({ version: 3 });
      await bench.source.query(`update item set note = 'c' where item_id = 1`);
      expect(await run(model)).toEqual([{ table: 'item', full: false }]);
      expect(await run(modelOf(dimItem, { ...staffSource, joins: [join] }, dimDepartment))).toEqual(
        full(['department']),
      );
    });

    it('is read in full where its definition is another one than then, or it had failed', async () => {
      await run(model);
      const state = await formerState();
      await writeState({
        ...state,
        tables: { ...state.tables, item: { fingerprint: 'other' }, staff: { failed: 'then' } },
      });
      expect(await run(model)).toEqual(full(['item', 'staff']));
    });
  });
});
