import fc from 'fast-check';
import type pg from 'pg';
import { dateOf, defineDimension, defineFact, int, timeOf, varchar } from '../../../shared/model/define.ts';
import { assembleModel } from '../../../shared/model/model.ts';
import { calendar } from '../../helpers/models/calendar.ts';

const partitions = ['a', 'b', 'c'] as const;
const keysOf = { a: [0, 1, 2], b: [3, 4, 5], c: [6, 7, 8] };

export const partitionedModel = assembleModel({
  name: 'test',
  tables: [
    calendar,
    defineDimension({
      name: 'dim_item',
      source: {
        table: 'item',
        key: ['id'],
        columns: { id: 'int4', note: 'varchar', at: 'timestamp' },
        guard: 'none',
      },
      key: ['id'],
      columns: { id: int('id'), note: varchar('note') },
    }),
    defineFact({
      name: 'fact_event',
      source: {
        table: 'event',
        key: ['id'],
        columns: { id: 'int4', note: 'varchar', at: 'timestamp' },
        guard: 'none',
      },
      key: ['id'],
      versions: ['at_date', 'at_time'],
      surrogateKey: 'event_record_id',
      columns: { id: int('id'), note: varchar('note'), at_date: dateOf('at'), at_time: timeOf('at') },
    }),
  ],
});

export const sources = { item: 'dim_item', event: 'fact_event' } as const;
export type Source = keyof typeof sources;

export type Change =
  | { kind: 'put' | 'delete'; id: number }
  | { kind: 'move'; id: number; to: number }
  | { kind: 'truncate' }
  | { kind: 'detach or attach'; partition: (typeof partitions)[number] };

export type Step =
  | { kind: 'change'; table: Source; changes: Change[]; isReported: boolean }
  | { kind: 'plan'; seconds: number }
  | { kind: 'extract' | 'transform' | 'load'; count: number };

const id = fc.integer({ min: 0, max: 8 });
const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('put' as const), id }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('delete' as const), id }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('move' as const), id, to: id }) },
  { weight: 1, arbitrary: fc.constant<Change>({ kind: 'truncate' }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('detach or attach' as const),
      partition: fc.constantFrom(...partitions),
    }),
  },
);
const count = fc.integer({ min: 1, max: 4 });
export const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('change' as const),
      table: fc.constantFrom<Source>('item', 'event'),
      changes: fc.array(change, { minLength: 1, maxLength: 3 }),
      isReported: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('plan' as const), seconds: fc.constantFrom(1, 60, 4000) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('extract' as const), count }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('transform' as const), count }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('load' as const), count }) },
);

/** Each partition of both tables has its first key. */
export async function makeSource(source: pg.Client): Promise<void> {
  await source.query(
    'do $$ begin create role reader login; exception when duplicate_object or unique_violation then null; end $$',
  );
  for (const table of Object.keys(sources)) {
    await source.query(
      `create table ${table} (id int primary key, note text not null, at timestamp not null) partition by range (id)`,
    );
    for (const part of partitions) {
      const [first = 0] = keysOf[part];
      await source.query(`
        create table ${table}_${part} partition of ${table} for values from (${first}) to (${first + 3});
        insert into ${table} values (${first}, 'first', '2024-01-01')`);
    }
  }
  await source.query(
    'grant usage on schema public to reader; grant select on all tables in schema public to reader',
  );
}

/** @param version of the row that is put; a later one is greater */
export async function changeSource(
  source: pg.Client,
  table: Source,
  change: Change,
  version: number,
): Promise<void> {
  const { rows } = await source.query<{ name: string }>(
    'select relname as name from pg_inherits join pg_class on pg_class.oid = inhrelid where inhparent = $1::regclass',
    [table],
  );
  await source.query(statement(table, change, { version, attached: new Set(rows.map(({ name }) => name)) }));
}

function statement(
  table: Source,
  change: Change,
  { version, attached }: { version: number; attached: ReadonlySet<string> },
): string {
  const row = (id: number) =>
    `${id}, 'v${version}', timestamp '2024-01-01' + interval '1 minute' * ${version}`;
  const partOf = (key: number) => `${table}_${partitions.find((part) => keysOf[part].includes(key))}`;
  switch (change.kind) {
    case 'put':
      // What is detached has a name of its own.
      return `insert into ${partOf(change.id)} values (${row(change.id)})
        on conflict (id) do update set (note, at) = (excluded.note, excluded.at)`;
    case 'delete':
      return `delete from ${partOf(change.id)} where id = ${change.id}`;
    case 'move':
      if (!attached.has(partOf(change.to))) return 'select';
      return `update ${table} set (id, note, at) = (${row(change.to)})
        where id = ${change.id} and not exists (select from ${table} where id = ${change.to})`;
    case 'truncate':
      return `truncate ${table}`;
    case 'detach or attach': {
      const part = `${table}_${change.partition}`;
      if (attached.has(part)) return `alter table ${table} detach partition ${part}`;
      const [first = 0] = keysOf[change.partition];
      return `alter table ${table} attach partition ${part} for values from (${first}) to (${first + 3})`;
    }
  }
}
