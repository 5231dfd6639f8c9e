import { expect, it } from '@jest/globals';
import { defineIngestedOnly } from '../../../../shared/model/define.ts';
import { assembleModel } from '../../../../shared/model/model.ts';
import { calendar } from '../../../helpers/models/calendar.ts';
import { startTemporaryPostgres } from '../../../helpers/postgres/temporary-postgres.ts';
import type { CaptureBench } from '../capture-bench.ts';
import { benchInEachTest } from '../each-bench.ts';
import { latestRows } from '../ingested-rows.ts';
import { hidden, quietOptions, reasons, reported } from './quiet-plans.ts';

let bench: CaptureBench;
benchInEachTest(
  () => startTemporaryPostgres({ settings: { autovacuum: 'off' } }),
  (made) => {
    bench = made;
  },
);

it('a quiet table is looked at when any of its partitions is written, a row moves between two, or one comes', async () => {
  const model = assembleModel({
    name: 'test',
    tables: [
      { ...calendar },
      defineIngestedOnly({ table: 'event', key: ['id'], columns: { id: 'int4', note: 'varchar?' } }),
    ],
  });
  const plan = () => bench.plan({ ...quietOptions, model });
  const run = async () => {
    const planned = await plan();
    await bench.extractAll({ model });
    return reasons(planned).event;
  };
  await reported(
    bench.source,
    `create table event (id int primary key, note text) partition by range (id);
     create table event_1 partition of event for values from (0) to (100);
     create table event_2 partition of event for values from (100) to (200);
     insert into event values (1, 'a'), (101, 'b')`,
  );
  await run();
  expect(await run()).toBe('quiet');
  await reported(bench.source, `insert into event_2 values (102, 'into the partition')`);
  expect(await run()).toBe('written to');
  await reported(bench.source, `update event set id = 2 where id = 101`);
  expect(await run()).toBe('written to');
  expect(latestRows(bench.store, 'event', 'id')).toEqual(expect.arrayContaining([{ id: 2, note: 'b' }]));
  await hidden(
    bench,
    `create table event_3 (like event including all); insert into event_3 values (201, 'came along');
     alter table event attach partition event_3 for values from (200) to (300)`,
  );
  expect(await run()).toBe('changed definition');
  expect(await run()).toBe('quiet');
  expect(latestRows(bench.store, 'event', 'id')).toEqual(
    expect.arrayContaining([{ id: 201, note: 'came along' }]),
  );
});
