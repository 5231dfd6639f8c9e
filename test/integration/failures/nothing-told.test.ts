import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { queueNames, secretIds } from '../../../cli/embedded/resources.ts';
import type { RunReport } from '../../../cli/run/report/make-report.ts';
import { queueKinds } from '../../../shared/queue/queue-settings.ts';
import {
  type Databases,
  demandPassword,
  makeDatabases,
  withUser,
} from '../../helpers/inline-road/databases.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { type RoadAtWork, startRoadAtWork } from './road-at-work.ts';

const password = 'swordfish-8731';
/** What the planted values have in common. */
const value = 'SESAME';

describe('the failures of a run', () => {
  let server: PostgresServer;
  let databases: Databases;
  let road: RoadAtWork;
  let report: RunReport;
  let planFailure: unknown;
  const level = process.env.POWERTOOLS_LOG_LEVEL;

  beforeAll(async () => {
    process.env.POWERTOOLS_LOG_LEVEL = 'DEBUG';
    server = await startTemporaryPostgres();
    databases = await makeDatabases(server);
    const { source, warehouse } = databases;
    for (const role of ['reader', 'loader']) {
      await source.query(`alter role ${role} password '${password}'`);
      await demandPassword(server, source, role);
    }
    const sourceUrl = withUser(databases.sourceUrl, 'reader', password);
    const warehouseUrl = withUser(databases.warehouseUrl, 'loader', password);
    road = await startRoadAtWork({ sourceUrl, warehouseUrl });
    await failToConnect();
    await plantValues();
    // Each of these makes Postgres quote a row, in the message, its detail or its context.
    await warehouse.query(`
      alter table dim_staff add check (first_name <> '${value}-first');
      drop view dim_design_current, dim_currency_current;
      alter table dim_design alter design_name type varchar(3);
      alter table dim_currency alter currency_name type int using 0`);
    for (const kind of queueKinds) await sendNoise(kind);
    report = await road.run();
  });
  afterAll(async () => {
    if (level === undefined) delete process.env.POWERTOOLS_LOG_LEVEL;
    else process.env.POWERTOOLS_LOG_LEVEL = level;
    await road.stop();
    await databases.end();
    await server.stop();
  });

  /** A secret that is no JSON, with a password in it. */
  async function failToConnect(): Promise<void> {
    const { cloud } = road.stack;
    const good = { host: '127.0.0.1', port: server.port, dbname: 'shop', username: 'reader', password };
    cloud.putSecret(secretIds.source, `{"password": "${password}", `);
    planFailure = await road.plan().catch((error: unknown) => error);
    cloud.putSecret(secretIds.source, JSON.stringify({ ...good, sslmode: 'disable' }));
  }

  const plantValues = () =>
    databases.source.query(`
      update staff set first_name = '${value}-first' where staff_id = 1;
      update design set design_name = '${value}-design';
      update currency set currency_code = 'SES';
      update payment set payment_date = '${value}-9' where payment_id = 1`);

  const sendNoise = (kind: (typeof queueKinds)[number]) =>
    road.stack.clients.sqs.send(
      new SendMessageCommand({
        QueueUrl: road.stack.cloud.queueUrl(queueNames[kind]),
        MessageBody: `${value} open`,
      }),
    );

  const deadLetterQueues = async () => {
    const { endpoint } = road.stack.cloud;
    const texts = queueKinds.map(async (kind) => {
      const response = await fetch(`${endpoint}/_fauxqs/queues/${queueNames[kind]}-dlq`);
      // What nobody could read is there as it came: it is the message itself.
      return (await response.text()).replaceAll(`${value} open`, '');
    });
    return (await Promise.all(texts)).join('\n');
  };

  it('are logged, dead-lettered and quarantined, and the quarantine file keeps the value', async () => {
    expect(String(planFailure)).toMatch(/source is not a JSON object/);
    const failed = report.deadLetters.map(({ queue, table }) => `${queue} ${table ?? '?'}`).sort();
    expect(failed).toEqual([
      ...['extract ?', 'load ?', 'load dim_currency', 'load dim_design', 'load dim_staff', 'transform ?'],
    ]);
    expect(road.events('Rows Quarantined')).toHaveLength(1);
    expect(road.log.filter((line) => line.includes('dead-letter'))).toHaveLength(6);
    const kept: string[] = [];
    for await (const { key } of road.stack.processed.list('quarantine/')) {
      kept.push(Buffer.from((await road.stack.processed.get(key))?.body ?? []).toString());
    }
    expect(kept.join()).toContain(`${value}-9`);
  });

  it.each([
    ['a log line', () => road.log.join('\n')],
    ['a dead letter', deadLetterQueues],
    ['an event', () => road.eventFile()],
    [
      "a run's report",
      () => JSON.stringify({ ...report, deadLetters: report.deadLetters.map(({ body, ...rest }) => rest) }),
    ],
    ["a failed plan's error", () => `${String(planFailure)}${(planFailure as Error).stack}`],
  ])('put no password and no value of a row into %s', async (_, read) => {
    const text = await read();
    expect(text.length).toBeGreaterThan(100);
    expect(text).not.toContain(password);
    expect(text).not.toContain(value);
  });
});
