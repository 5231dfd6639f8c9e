import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { totesys } from '../../helpers/models/totesys.ts';
import { type HandlersUnderTest, startHandlers } from './handlers-under-test.ts';

describe('the plan and extract handlers', () => {
  let handlers: HandlersUnderTest;
  beforeAll(async () => {
    handlers = await startHandlers();
  });
  afterAll(() => handlers?.stop());

  it('bring every source table to the ingested zone, byte for byte as row_to_json writes it', async () => {
    const planned = await handlers.plan();
    expect(planned.slices).toHaveLength(11);
    expect(await handlers.listKeys('state/')).toEqual([
      'state/capture.json',
      ...planned.slices.map(() => expect.stringMatching(/^state\/layouts\/[0-9a-f]{64}\.json$/)),
      'state/model.json',
      expect.stringMatching(/^state\/models\/[0-9a-f]+\.json$/),
      'state/plans.json',
      `state/runs/${planned.run}.json`,
    ]);
    expect(await handlers.extract(await handlers.receiveAll('extract'))).toEqual({ batchItemFailures: [] });
    const joins: Record<string, string> = {
      staff: `, j.department_name as "department.department_name", j.location as "department.location"
        from staff t left join department j on j.department_id = t.department_id`,
      counterparty: `, j.address_line_1 as "address.address_line_1", j.address_line_2 as "address.address_line_2",
        j.district as "address.district", j.city as "address.city", j.postal_code as "address.postal_code",
        j.country as "address.country", j.phone as "address.phone"
        from counterparty t left join address j on j.address_id = t.legal_address_id`,
    };
    for (const { name, columns } of totesys.sources) {
      const own = columns.map((column) => `t.${column.name}`).join(', ');
      const query = `select ${own} ${joins[name] ?? `from ${name} t`}`;
      const { rows } = await handlers.source.query<{ line: string }>(
        `select row_to_json(r)::text as line from (${query}) r`,
      );
      expect(rows.length).toBeGreaterThan(0);
      expect(await handlers.ingestedLines(name)).toEqual(rows.map(({ line }) => line).sort());
    }
  });

  it('have planned, and say so, also where the note of the plan cannot be written', async () => {
    const end = handlers.refusePuts('state/plans.json');
    await handlers.source.query(`update design set design_name = 'noted nowhere' where design_id = 1`);
    const { slices, warnings } = await handlers.plan();
    end();
    expect(slices).toEqual([{ slice: '0000', table: 'design', full: false }]);
    expect(warnings).toEqual([
      expect.stringMatching(/^the run was planned, and state\/plans\.json could not be written: /),
    ]);
    // It counts: the next one begins where it ended.
    expect(await handlers.plan()).toMatchObject({ slices: [], warnings: [] });
    expect(await handlers.extract(await handlers.receiveAll('extract'))).toEqual({ batchItemFailures: [] });
  });

  it('send a table that cannot be read to the dead letters, with its reason; a redrive takes it back', async () => {
    await handlers.source.query('alter table payment rename column payment_amount to amount');
    const planned = await handlers.plan();
    const reason = 'public.payment has no column payment_amount';
    expect(planned.failures).toEqual([{ table: 'payment', error: 'TerminalError', reason }]);
    expect(planned.slices).toEqual([{ slice: '0000', table: 'payment', full: true }]);

    expect(await handlers.extract(await handlers.receiveAll('extract'))).toEqual({ batchItemFailures: [] });
    const deadLetters = await handlers.receiveAll('extract-dlq');
    expect(deadLetters.map(({ MessageAttributes }) => MessageAttributes)).toEqual([
      expect.objectContaining({
        reason: expect.objectContaining({ StringValue: reason }),
        table: expect.objectContaining({ StringValue: 'payment' }),
      }),
    ]);
    const key = `failed/${planned.run}-0000.json`;
    const record = JSON.parse(Buffer.from((await handlers.ingested.get(key))?.body ?? []).toString());
    expect(record).toMatchObject({
      table: 'payment',
      error: 'TerminalError',
      reason,
      body: deadLetters[0]?.Body,
    });
    expect(Date.parse(record.failedAt)).toBeGreaterThan(0);
    const detail = { stage: 'ci', queue: 'extract', table: 'payment', key };
    expect(handlers.lastEvent()).toMatchObject([
      'Table Failed',
      { ...detail, error: 'TerminalError', reason },
    ]);

    await handlers.source.query('alter table payment rename column amount to payment_amount');
    expect(await handlers.extract(deadLetters)).toEqual({ batchItemFailures: [] });
    expect(await handlers.listKeys('failed/')).toEqual([]);
    expect(handlers.lastEvent()).toEqual(['Table Recovered', detail]);
    expect(
      (await handlers.listKeys('payment/')).filter((object) => object.includes(planned.run)),
    ).toHaveLength(1);
  });

  it('put a copy on the queue when the time of a message may come, and its neighbours go on', async () => {
    await handlers.receiveAll('extract');
    const planned = await handlers.plan();
    expect(planned.slices).toEqual([{ slice: '0000', table: 'payment', full: true }]);
    const [message] = await handlers.receiveAll('extract');
    const body = JSON.parse(message?.Body ?? '');
    const elsewhere = {
      ...message,
      MessageId: 'elsewhere',
      Body: JSON.stringify({ ...body, identity: 'other' }),
    };
    const unreadable = { ...message, MessageId: 'unreadable', Body: 'no JSON' };
    const answer = await handlers.extract([unreadable, elsewhere, message ?? {}]);
    expect(answer).toEqual({ batchItemFailures: [] });
    const [copy, ...more] = await handlers.receiveAll('extract', 5);
    expect(more).toEqual([]);
    expect(copy).toMatchObject({ Body: elsewhere.Body, MessageAttributes: { breaks: { StringValue: '1' } } });
    expect((await handlers.receiveAll('extract-dlq')).map(({ Body }) => Body)).toEqual(['no JSON']);
    expect(await handlers.listKeys('failed/')).toEqual([]);
    expect((await handlers.listKeys('payment/')).filter((key) => key.includes(planned.run))).toHaveLength(1);
  });
});
