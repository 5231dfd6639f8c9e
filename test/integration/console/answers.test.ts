import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { splitWords } from '../../../cli/console/answers/act.ts';
import type {
  AttentionAnswer,
  ModelAnswer,
  ObjectAnswer,
  QuarantineAnswer,
  SourceAnswer,
  SqlAnswer,
  TableAnswer,
} from '../../../cli/console/answers/api.ts';
import { answerAttention } from '../../../cli/console/answers/attention.ts';
import { answerObject } from '../../../cli/console/answers/object.ts';
import type { ZoneObject } from '../../../cli/objects/list-objects.ts';
import type { ShownRun } from '../../../cli/runs/show-run.ts';
import type { Trace } from '../../../cli/trace/trace.ts';
import { OperatedStack } from '../operator/operated-stack.ts';
import { type ConsoleUnderTest, startConsoleOn } from './console-under-test.ts';

describe('what the pages of the console are told', () => {
  let stack: OperatedStack;
  let served: ConsoleUnderTest;
  let run: string;
  beforeAll(async () => {
    stack = await OperatedStack.startLoaded();
    served = await startConsoleOn(stack.data, {
      allowsActions: true,
      run: async (words) => {
        const { code, text } = await stack.command(...words);
        return { code, output: text };
      },
    });
    await stack.source('update payment set paid = not paid, last_updated = now() where payment_id in (3, 4)');
    run = (await stack.run()).run;
  });
  afterAll(async () => {
    await served?.close();
    await stack?.stop();
  });

  const post = async <T>(path: string, body: unknown): Promise<T & { error?: string }> => {
    const { text } = await served.send(path, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    });
    return JSON.parse(text) as T & { error?: string };
  };

  it('is of runs, objects and rows what the commands print', async () => {
    const printed = await stack.json<{ runs: unknown[] }>('runs');
    expect(await served.ask('/api/runs')).toMatchObject({ runs: printed.runs, warehouse: null });
    const { code: _, ok: __, ...shown } = await stack.json<ShownRun & { ok: boolean }>('runs', 'show', run);
    expect(await served.ask(`/api/run?run=${run}`)).toEqual(shown);
    const listed = await stack.json<{ objects: ZoneObject[] }>('objects', '--run', run);
    expect(await served.ask(`/api/objects?run=${run}`)).toEqual({ objects: listed.objects, hasMore: false });
    const { code: ___, ...traced } = await stack.json<Trace>('trace', 'fact_payment', '3');
    expect(await served.ask('/api/trace?table=fact_payment&key=3')).toEqual(traced);
  });

  it('is of an object its first rows, beside those of its counterparts', async () => {
    const { objects } = await served.ask<{ objects: ZoneObject[] }>(`/api/objects?run=${run}`);
    const [ingested, dates, processed] = objects.map(({ key }) => key);
    const linesOf = async (key = '') => (await stack.command('cat', key)).text.trimEnd().split('\n');
    const fromSource = await served.ask<ObjectAnswer>(`/api/object?key=${ingested}`);
    expect(fromSource.shown).toMatchObject({ rows: 2, problem: null, lines: await linesOf(ingested) });
    expect(fromSource.others.map(({ key }) => key).toSorted()).toEqual([dates, processed].toSorted());
    for (const made of [dates, processed]) {
      const { shown, others } = await served.ask<ObjectAnswer>(`/api/object?key=${made}`);
      expect(shown.lines).toEqual((await linesOf(made)).slice(0, 20));
      expect(others.map(({ key }) => key)).toEqual([ingested]);
    }
    const gone = 'payment/2020/01/01/20200101T000000000Z0000-0000.ndjson.zst';
    await expect(answerObject(stack.site, gone)).rejects.toThrow(`the ingested zone has no object ${gone}`);
    await expect(answerObject(stack.site, 'x')).rejects.toThrow('x is not the key of an object');
  });

  it('is of a table its loads of the day, with the time from the plan to the warehouse', async () => {
    const answer = await served.ask<TableAnswer>('/api/table?table=fact_payment');
    expect(answer.loads?.at(-1)).toMatchObject({ run, rows: 2 });
    for (const { plannedAt, loadedAt } of answer.loads ?? [])
      expect(Date.parse(loadedAt)).toBeGreaterThan(Date.parse(plannedAt));
    expect(new Set(answer.objects.map(({ table }) => table))).toEqual(new Set(['payment', 'fact_payment']));
    expect((await served.send('/api/table?table=none')).status).toBe(400);
    expect((await served.send('/api/table')).status).toBe(400);
    expect((await served.send('/api/run?run=none')).status).toBe(400);
  });

  it('is of the model and the source where each column comes from, and what plans have found', async () => {
    const model = await served.ask<ModelAnswer>('/api/model');
    expect(model.tables.map(({ name }) => name)).toEqual(stack.site.model.tables.map(({ name }) => name));
    const staff = model.tables.find(({ name }) => name === 'dim_staff');
    expect(staff).toMatchObject({
      kind: 'dimension',
      view: 'dim_staff_current',
      source: expect.stringContaining('from staff left join department on'),
    });
    expect(staff?.columns.find(({ name }) => name === 'department_name')).toEqual({
      name: 'department_name',
      type: 'varchar',
      nullable: false,
      key: '',
      from: 'department.department_name',
    });
    const source = await served.ask<SourceAnswer>('/api/source');
    const payment = source.tables.find(({ name }) => name === 'payment');
    expect(payment).toMatchObject({ run, runsOfDay: 2, feeds: ['fact_payment'], problem: null });
    expect(source.tables.find(({ name }) => name === 'currency')).toMatchObject({ runsOfDay: 1 });
  });

  it('is of a query its rows', async () => {
    const query = 'select count(*) from fact_payment_current';
    const { rows } = await post<SqlAnswer>('/api/sql', { query });
    expect(rows).toEqual([
      [String((await stack.warehouse<{ n: number }>(query.replace('(*)', '(*)::int as n')))[0]?.n)],
    ]);
    expect(await post('/api/sql', { query: 'delete from fact_payment' })).toEqual({
      error: expect.stringContaining('the console only reads'),
    });
    expect(await served.ask('/api/examples')).toHaveLength(3);
  });

  it('is of what failed and of bad rows what the commands list: values where they are asked for, and a way to run the command', async () => {
    await stack.warehouse('alter table dim_design add constraint broken check (false) not valid');
    await stack.source(
      `update design set file_name = 'secret.png', last_updated = now() where design_id = 2`,
    );
    await stack.source(
      `update payment set payment_date = '2026-99-01', last_updated = now() where payment_id = 5`,
    );
    await stack.run();
    const answer = await served.ask<AttentionAnswer>('/api/attention');
    const { failures } = await stack.json<{ failures: unknown[] }>('failures');
    expect(failures).toHaveLength(1);
    expect(answer.failures).toEqual({ answered: true, value: failures });
    expect(answer.quarantine).toMatchObject({ answered: true, value: [{ table: 'fact_payment', rows: 1 }] });
    expect(JSON.stringify(answer)).not.toContain('2026-99-01');
    const { rows, more } = await served.ask<QuarantineAnswer>('/api/quarantine?table=fact_payment');
    expect([rows.length, more, rows[0]?.key]).toEqual([1, 0, '5']);
    expect(rows[0]?.row).toContain('2026-99-01');

    await stack.warehouse('alter table dim_design drop constraint broken');
    const command = answer.failures.answered ? (answer.failures.value[0]?.mend ?? '') : '';
    expect(splitWords(command)[1]).toBe('starlift');
    expect(await post('/api/act', { command: `${command} --all` })).toEqual({
      error: 'this command is not one that the console has shown',
    });
    expect(await post('/api/act', { command })).toEqual({ code: 0, output: expect.stringContaining('1 ') });
    await stack.run();
    expect(await stack.warehouse('select file_name from dim_design where design_id = 2')).toEqual([
      { file_name: 'secret.png' },
    ]);
    expect(await served.ask<AttentionAnswer>('/api/attention')).toMatchObject({ failures: { value: [] } });
  });

  it('names what does not answer, and tells all the rest', async () => {
    const answer = await answerAttention({
      ...stack.site,
      connectWarehouse: () => Promise.reject(new Error('the warehouse is gone')),
    });
    expect(answer.failures.answered).toBe(true);
    for (const part of [answer.deletes, answer.waiting])
      expect(part).toEqual({ answered: false, reason: 'the warehouse is gone' });
  });
});
