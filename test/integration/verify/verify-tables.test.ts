import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { VerifyReport } from '../../../cli/verify/report.ts';
import { defineDimension, int, varchar } from '../../../shared/model/define.ts';
import { assembleModel } from '../../../shared/model/model.ts';
import { totesysDefinition } from '../../helpers/models/totesys.ts';
import { differences, type ExactCopy, examples, makeExactCopy } from './exact-copy.ts';

describe('verify, of tables and what they refer to,', () => {
  let copy: ExactCopy;
  beforeAll(async () => {
    copy = await makeExactCopy();
  });
  afterAll(() => copy.stop());

  it('finds a reference to a dimension row that is not there, whichever version of the fact holds it', async () => {
    const report = await copy.verifyAfter({
      warehouse: `update fact_sales_order set design_id = 99 where last_updated_time = '14:20:52.186'`,
    });
    expect(differences(report)).toEqual({ fact_sales_order: { dangling: 1 } });
    expect(examples(report)).toEqual([
      { kind: 'dangling', table: 'fact_sales_order', key: '2', column: 'design_id', found: '99' },
    ]);
  });

  it('finds a date that facts name and the calendar lacks', async () => {
    const report = await copy.verifyAfter({ warehouse: `delete from dim_date where date_id = '2024-03-01'` });
    expect(differences(report)).toEqual({
      dim_date: { missing: 1 },
      fact_payment: { dangling: 1 },
      fact_purchase_order: { dangling: 2 },
      fact_sales_order: { dangling: 3 },
    });
    expect(examples(report)[0]).toEqual({ kind: 'missing', table: 'dim_date', key: '2024-03-01' });
  });

  it('finds a department and an address that changed without their children', async () => {
    const report = await copy.verifyAfter({
      source: `update department set location = 'York'; update address set phone = '' where address_id = 15`,
    });
    expect(differences(report)).toEqual({
      dim_counterparty: { different: 1 },
      dim_location: { different: 1 },
      dim_staff: { different: 1 },
    });
  });

  it('expects source rows that break the contract too', async () => {
    const report = await copy.verifyAfter({
      source: `
        insert into sales_order select 11, design_id, staff_id, counterparty_id, units_sold, unit_price,
            currency_id, day, day, agreed_delivery_location_id, created_at, last_updated
          from sales_order, (values ('2024-02-30')) as bad (day) where sales_order_id = 10;
        insert into payment select 2, transaction_id, counterparty_id, payment_amount, currency_id,
            payment_type_id, paid, 'soon', 1, 1, created_at, last_updated from payment where payment_id = 1;
        insert into staff values (8, 'A', 'B', 999, 'a@b', now(), now())`,
    });
    expect(differences(report)).toEqual({
      dim_staff: { missing: 1 },
      fact_payment: { missing: 1 },
      fact_sales_order: { missing: 1 },
    });
    expect(examples(report).map(({ key }) => key)).toEqual(['8', '2', '11']);
  });

  it('says of a warehouse table that is not there, or lacks a column, what it is', async () => {
    const report = await copy.verifyAfter({
      warehouse: 'drop table dim_payment_type cascade; alter table dim_staff drop location cascade',
    });
    expect(differences(report)).toEqual({
      dim_payment_type: { missing: 1 },
      dim_staff: { missing: 1 },
      fact_payment: { dangling: 2 },
    });
    expect(report.tables.flatMap(({ problem }) => problem ?? [])).toEqual([
      'the warehouse has no table dim_payment_type',
      'the warehouse table dim_staff has no column location',
    ]);
  });

  describe('where a table cannot be compared, names it and compares the others:', () => {
    const other = `update dim_staff set last_name = 'x'`;
    /** As a role that may read everything but these tables. */
    const without = (...tables: string[]) => `
      do $$ begin create role reader; exception when duplicate_object then null; end $$;
      grant select on all tables in schema public to reader;
      revoke select on ${tables.join(', ')} from reader;
      do $$ begin execute format('alter database %I set role reader', current_database()); end $$`;

    it.each([
      [
        'a source table is gone',
        { source: 'drop table payment, address' },
        {
          dim_counterparty: 'dim_counterparty was not compared: the source has no table address',
          dim_date: 'dim_date was not compared: the source has no table payment',
          dim_location: 'dim_location was not compared: the source has no table address',
          fact_payment: 'fact_payment was not compared: the source has no table payment',
        },
      ],
      [
        'a column of the source has another type',
        { source: 'alter table design alter design_id type text using $$x$$ || design_id' },
        { dim_design: expect.stringMatching(/^dim_design cannot be compared: ./) },
      ],
      [
        'a column of the source is gone',
        { source: 'alter table currency drop currency_code' },
        { dim_currency: 'dim_currency cannot be compared: column source.currency_code does not exist' },
      ],
      [
        'a column of the warehouse has another type',
        { warehouse: 'alter table fact_payment alter last_updated_time type text' },
        { fact_payment: 'of the warehouse table fact_payment, last_updated_time is text and must be time' },
      ],
      [
        'the source grants too little',
        { source: without('transaction') },
        { dim_transaction: 'dim_transaction cannot be compared: permission denied for table transaction' },
      ],
      [
        'the warehouse grants too little',
        { warehouse: without('dim_location', 'dim_currency') },
        {
          dim_currency: 'dim_currency cannot be compared: permission denied for table dim_currency',
          dim_location: 'dim_location cannot be compared: permission denied for table dim_location',
        },
      ],
    ] as const)('%s', async (_, broken: { source?: string; warehouse?: string }, problems) => {
      const { warehouse = 'select' } = broken;
      const report = await copy.verifyAfter({ ...broken, warehouse: `${other}; ${warehouse}` });
      const found = report.tables.filter(({ problem }) => problem !== undefined);
      const own = Object.fromEntries(found.map(({ table, problem }) => [table, problem]));
      expect(own).toMatchObject(problems);
      expect(report.ok).toBe(false);
      expect(differences(report)).toMatchObject({ dim_staff: { different: 1 } });
    });
  });

  it('asks a source in another encoding for no character that it lacks', async () => {
    const report = await copy.verifyAfter(
      {
        source: `insert into currency values (3, 'TOP', now(), now()), (4, 'constructor'::varchar(3), now(), now())`,
        warehouse: `insert into dim_currency values (3, 'TOP', 'Pa’anga'), (4, 'con', 'con')`,
      },
      { encoding: 'LATIN1' },
    );
    expect({ ok: report.ok, differences: differences(report) }).toEqual({ ok: true, differences: {} });
    expect(report.tables.find(({ table }) => table === 'dim_currency')).toMatchObject({
      expected: 4,
      found: 4,
    });
  });

  describe('where the model is another one,', () => {
    const dimDepartment = defineDimension({
      name: 'dim_department',
      source: {
        table: 'department',
        key: ['department_id'],
        columns: { department_id: 'int4', department_name: 'varchar' },
      },
      key: ['department_id'],
      columns: { department_id: int('department_id'), department_name: varchar('department_name') },
    });
    const problems = ({ tables }: VerifyReport) => tables.flatMap(({ problem }) => problem ?? []);

    it('compares a table that it alone has', async () => {
      const model = assembleModel({
        ...totesysDefinition,
        tables: [...totesysDefinition.tables, dimDepartment],
      });
      const report = await copy.verifyAfter(
        {
          source: `insert into department values (5, 'Post', null, 'Bo', now(), now())`,
          warehouse: `create table dim_department (department_id int, department_name varchar);
                      insert into dim_department values (4, 'Sale'), (6, 'Post')`,
        },
        { model },
      );
      expect(report.ok).toBe(false);
      expect(differences(report)).toEqual({ dim_department: { different: 1, missing: 1, extra: 1 } });
      expect(problems(report)).toEqual([]);
    });

    it('compares a column that it alone has', async () => {
      const design = totesysDefinition.tables.find((table) => 'name' in table && table.name === 'dim_design');
      if (design?.kind !== 'dimension') throw new Error('there is no dim_design');
      const wider = { ...design, columns: { ...design.columns, known_as: varchar('design_name') } };
      const report = await copy.verifyAfter(
        {
          warehouse: `alter table dim_design add column known_as varchar; update dim_design set known_as = 'x'`,
        },
        {
          model: assembleModel({
            ...totesysDefinition,
            tables: [...totesysDefinition.tables.filter((table) => table !== design), wider],
          }),
        },
      );
      expect(differences(report)).toEqual({ dim_design: { different: 1 } });
      expect(examples(report)).toMatchObject([{ column: 'known_as', expected: 'Wooden', found: 'x' }]);
    });

    it('asks for no table that the model has left out', async () => {
      const model = assembleModel({
        ...totesysDefinition,
        tables: totesysDefinition.tables.filter(
          (table) => !('name' in table && table.name === 'fact_sales_order'),
        ),
      });
      const report = await copy.verifyAfter(
        { source: 'drop table sales_order', warehouse: 'drop table fact_sales_order cascade' },
        { model },
      );
      expect({ ok: report.ok, problems: problems(report) }).toEqual({ ok: true, problems: [] });
    });
  });
});
