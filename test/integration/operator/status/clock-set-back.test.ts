import { PurgeQueueCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readStatus } from '../../../../cli/status/read-status.ts';
import { formatObjectCreated } from '../../../../shared/queue/object-created.ts';
import { makeResyncRequest, putResyncRequest } from '../../../../shared/records/plan/resync-request.ts';
import { listRuns, readRunRecord } from '../../../../shared/records/plan/run-record.ts';
import { type Databases, makeDatabases } from '../../../helpers/inline-road/databases.ts';
import { type InlineRoad, startInlineRoad } from '../../../helpers/inline-road/inline-road.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../../helpers/postgres/temporary-postgres.ts';
import {
  assertNotSilentlyWrong,
  findDifferences,
  makeSiteOf,
} from '../../../reliability/silence/status-evidence.ts';

const RealDate = Date;
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
let aheadMs = 0;

/** The wall clock of this process, and so of the queues and functions in it. */
class ShiftedDate extends RealDate {
  constructor(given?: number | string) {
    super(given ?? ShiftedDate.now());
  }

  static override now(): number {
    return RealDate.now() + aheadMs;
  }
}

describe('a clock that is set back by a day between two plans', () => {
  let server: PostgresServer;
  let databases: Databases;
  let road: InlineRoad;
  beforeAll(async () => {
    server = await startTemporaryPostgres();
    databases = await makeDatabases(server);
    road = await startInlineRoad(databases);
    globalThis.Date = ShiftedDate as DateConstructor;
  });
  afterAll(async () => {
    globalThis.Date = RealDate;
    await road.end();
    await databases.end();
    await server.stop();
  });

  /** Which remembers the greatest generation that is loaded, as a run's end does. */
  const sweepLoads = async () => {
    const { handler } = (await import('../../../../services/loading/sweep/handler.ts')) as unknown as {
      handler(event: unknown, context: unknown): Promise<unknown>;
    };
    await handler({}, {});
  };
  const site = () => makeSiteOf({ ...road, ...databases });
  const differences = () => findDifferences(databases.source, databases.warehouse);
  /** A moment later, when what is on no queue is known to be lost. */
  const status = () => readStatus(site(), { now: new Date(Date.now() + 120_000) });
  const rename = (name: string) =>
    databases.source.query(`update design set design_name = $1 where design_id = 1`, [name]);

  it('leaves later runs later: a lost message is a finding, though all of its table was read at a later hour', async () => {
    await road.run();
    aheadMs = dayMs;
    await putResyncRequest(road.ingested, makeResyncRequest('in full', new Date(), ['design']));
    await rename('tomorrow');
    const full = await road.run();
    expect(full.slices.some(({ table, full: isFull }) => table === 'design' && isFull)).toBe(true);
    expect(await differences()).toEqual([]);
    aheadMs = 0;

    await road.stop('load');
    await rename('set back');
    const { run, slices } = await road.plan();
    expect(slices.map(({ table }) => table)).toEqual(['design']);
    expect(run > full.run).toBe(true);
    await road.settle('transform');
    await road.clients.sqs.send(new PurgeQueueCommand({ QueueUrl: road.queueUrl('load') }));
    expect(await differences()).not.toEqual([]);
    aheadMs = hourMs;
    await road.plan();
    const lost = await status();
    expect(lost.troubles).toEqual([
      expect.objectContaining({
        kind: 'lost',
        table: 'dim_design',
        text: expect.stringMatching(/^dim_design: /),
      }),
    ]);
    const design = lost.tables.find(({ table }) => table === 'dim_design');
    expect(design?.inFlight).toBeGreaterThan(0);
    // As of a plan of tomorrow it would look young until tomorrow.
    expect(design?.ageSeconds).toBeGreaterThanOrEqual(hourMs / 1000);
    expect(lost.run).toMatchObject({ run });
    expect(Date.parse(lost.run?.plannedAt ?? '')).toBeLessThanOrEqual(Date.now());

    for await (const { key } of road.processed.list('dim_design/'))
      if (key.includes(run))
        await road.clients.sqs.send(
          new SendMessageCommand({
            QueueUrl: road.queueUrl('load'),
            MessageBody: formatObjectCreated({ bucket: road.processed.bucket, key }),
          }),
        );
    await road.settle();
    expect(await differences()).toEqual([]);
    expect((await status()).troubles).toEqual([]);
  });

  it('after a year in which it was ahead, with the state lost since, takes no change for an old one', async () => {
    await road.run();
    aheadMs = 365 * dayMs;
    // Which begins a generation by that clock.
    await road.ingested.delete('state/capture.json');
    await road.run();
    await sweepLoads();
    aheadMs = 0;
    await road.ingested.delete('state/capture.json');
    await rename('after that year');
    await road.run();
    expect(await differences()).toEqual([]);
    expect((await status()).troubles).toEqual([]);
  });

  it('goes on, forward and back, with nothing silently wrong', async () => {
    for (const [index, ms] of [dayMs, 0, 365 * dayMs, -dayMs, 0].entries()) {
      aheadMs = ms;
      await rename(`round ${index}`);
      await databases.source.query('update payment set paid = not paid where payment_id = $1', [index + 1]);
      await road.run();
      expect(await assertNotSilentlyWrong(site(), databases)).toBe('exact');
      expect((await status()).troubles).toEqual([]);
    }
    const runs: string[] = [];
    for await (const run of listRuns(road.ingested, undefined)) runs.push(run);
    const planned = await Promise.all(
      runs.map(async (run) => (await readRunRecord(road.ingested, run))?.plannedAt),
    );
    // In the order of the plans, which is not that of the clock.
    expect(planned).not.toEqual(planned.toSorted());
    expect(new Set(runs).size).toBe(runs.length);
  });
});
