import { expect, it } from '@jest/globals';
import { dateOf, defineDimension, defineFact, timeOf, varchar } from '../../../shared/model/define.ts';
import { assembleModel } from '../../../shared/model/model.ts';
import { calendar } from '../../helpers/models/calendar.ts';
import { startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { WarehouseUnderTest } from '../../helpers/small-warehouse/warehouse-under-test.ts';

const country = defineDimension({
  name: 'dim_country',
  source: { table: 'country', key: ['code'], columns: { code: 'varchar', name: 'varchar' } },
  key: ['code'],
  columns: { code: varchar('code'), name: varchar('name') },
});

const parcel = defineFact({
  name: 'fact "parcel"',
  source: {
    table: 'parcel',
    key: ['label'],
    columns: { label: 'varchar', code: 'varchar', last_updated: 'timestamp' },
  },
  key: ['label'],
  versions: ['day', 'time'],
  surrogateKey: 'order',
  columns: {
    label: varchar('label'),
    day: dateOf('last_updated'),
    time: timeOf('last_updated'),
    code: varchar('code', { references: 'dim_country' }),
  },
});

it('keys may be texts and names anything that Postgres takes', async () => {
  const server = await startTemporaryPostgres();
  const model = assembleModel({ name: 'test', tables: [calendar, country, parcel] });
  const warehouse = await WarehouseUnderTest.make(await server.createDatabase('texts'), model);
  try {
    const hostile = `{"a\\,b"}'`;
    const row = { label: 'ß"1', day: '2024-02-29', time: '00:00:00', code: hostile };
    const fact = parcel.name;
    await warehouse.putAndLoad('dim_country', { rows: [{ code: 'GB', name: 'Britain' }] });
    const known = { ...row, label: '2', code: 'GB' };
    expect(await warehouse.putAndLoad(fact, { rows: [row, known] })).toMatchObject({ waiting: 1 });
    const rest = [{ code: hostile, name: 'Nowhere' }];
    expect(await warehouse.putAndLoad('dim_country', { rows: rest, slice: 1 })).toMatchObject({
      released: 1,
    });
    expect(await warehouse.putAndLoad(fact, { rows: [row], xmax: 200 })).toMatchObject({ waiting: 0 });
    expect(
      await warehouse.ask('select label, day, time, code from "fact ""parcel""" order by label'),
    ).toEqual([known, row]);
  } finally {
    await warehouse.end();
    await server.stop();
  }
});
