import type { Message } from '@aws-sdk/client-sqs';
import pg from 'pg';
import { beginRebuild } from '../../shared/ledger/rebuild.ts';
import type { ColumnDefinition, ModelDefinition } from '../../shared/model/define.ts';
import {
  captureStateKey,
  emptyFolder,
  formatRunId,
  formatRunKey,
  runFolder,
} from '../../shared/object-store/object-key.ts';
import { hasAny, type ObjectStore } from '../../shared/object-store/object-store.ts';
import { formatObjectCreated } from '../../shared/queue/object-created.ts';
import { type QueueKind, queueKinds } from '../../shared/queue/queue-settings.ts';
import { putDropped } from '../../shared/records/dropped.ts';
import { beginOutage, formatOutageKey, readOutage, type Side } from '../../shared/records/outages.ts';
import { formatCaptureState, knownOf, readCaptureState } from '../../shared/records/plan/capture-state.ts';
import { publishModel } from '../../shared/records/published-model.ts';
import { formatRetryingKey, putRetrying } from '../../shared/records/retrying.ts';
import { ensureWarehouse } from '../../shared/warehouse/ensure-warehouse.ts';
import type { Databases } from '../helpers/inline-road/databases.ts';
import { totesys, totesysDefinition } from '../helpers/models/totesys.ts';
import { seen } from '../helpers/seen.ts';
import type { PackagedRoad } from './packaged-road.ts';

/** Takes the functions through all that they do: what goes well first, then each kind of failure and its mending. */
export async function makeEveryCall(road: PackagedRoad, databases: Databases): Promise<void> {
  await publishModel(road.ingested, totesysDefinition);
  await requestResync(databases);
  await road.invoke('ingestion-plan');
  await road.settle();
  await quarantineAndSplit(road, databases);
  await findNothing(road, databases);
  await failAndRecover(road, databases);
  const astray = await sendAstray(road);
  for (const kind of ['transform', 'load'] as const) await sendObjectMessages(road, kind);
  await retryEach(road, databases);
  await outlastOutages(road, databases);
  await interruptRebuild(road, databases);
  await sweepEach(road, databases);
  await loseRecord(road, databases);
  await requestResync(databases);
  await road.invoke('ingestion-plan');
  await road.settle();
  await changeModel(road, databases);
  await quarantineInLoad(road, databases);
  await road.ingested.delete('state/capture.json');
  await sendAstrayWithoutState(road, astray);
  await expireOld(road, databases);
}

/** All that is loaded is old. A bad row whose table was read again since counts in its newest file alone. */
async function expireOld(road: PackagedRoad, databases: Databases): Promise<void> {
  await databases.warehouse.query('update starlift.table set rebuild_started_at = null');
  await requestResync(databases);
  await road.invoke('loading-expire');
  if (await hasAny(road.ingested, 'staff/')) throw new Error('what is old and loaded was not deleted');
}

/** Another model is published while an object of the old one, which has a column less, is not loaded yet. */
async function changeModel(road: PackagedRoad, { source, warehouse }: Databases): Promise<void> {
  const before = await newestKey(road.processed, 'dim_design/');
  await road.stop('load');
  await source.query('update design set last_updated = now()');
  await seen(async () => {
    // Its deleted rows have made it large, so that it may rest after the last look.
    await road.invoke('ingestion-plan');
    return (await newestKey(road.processed, 'dim_design/')) !== before;
  });
  await publishModel(road.ingested, withDesignTime(totesysDefinition));
  // It gives the table the column.
  await road.invoke('loading-sweep');
  await road.settle();
  const { rows } = await warehouse.query(
    'select from dim_design where created_at is null and design_id < 1000',
  );
  if (rows.length > 0) throw new Error('what an older model has made was not made anew');
}

/** A value that the warehouse cannot read as its column's type. */
async function quarantineInLoad(road: PackagedRoad, { source }: Databases): Promise<void> {
  await publishModel(road.ingested, withCurrencyNumber(withDesignTime(totesysDefinition)));
  await road.invoke('loading-sweep');
  await source.query('update currency set last_updated = now()');
  await road.invoke('ingestion-plan');
  await road.settle();
  if ((await newestKey(road.processed, 'quarantine/dim_currency/')) === '')
    throw new Error('no row of dim_currency is in quarantine');
}

const withCurrencyNumber = (definition: ModelDefinition): ModelDefinition =>
  withColumn(definition, 'dim_currency', 'currency_number', {
    type: { name: 'carried', sql: 'integer' },
    from: { kind: 'field', field: 'currency_code' },
    nullable: true,
  });

function withDesignTime(definition: ModelDefinition): ModelDefinition {
  return withColumn(definition, 'dim_design', 'created_at', {
    type: { name: 'timestamp' },
    from: { kind: 'field', field: 'created_at' },
    nullable: true,
  });
}

const withColumn = (
  definition: ModelDefinition,
  name: string,
  column: string,
  made: ColumnDefinition,
): ModelDefinition => ({
  ...definition,
  tables: definition.tables.map((table) =>
    table.kind === 'dimension' && table.name === name
      ? { ...table, columns: { ...table.columns, [column]: made } }
      : table,
  ),
});

/** A warehouse that wants the source to be read in full: each function that is the first to see it forwards that. */
async function requestResync({ warehouseUrl }: Databases): Promise<void> {
  const loader = new pg.Client({ connectionString: warehouseUrl });
  await loader.connect();
  try {
    await ensureWarehouse(loader, totesys, { schema: 'public', foreignKeys: 'declared', deferKeys: true });
    await loader.query(`insert into starlift.resync (reason) values ('a test')`);
  } finally {
    await loader.end();
  }
}

/** A row that breaks the contract; and a slice that has grown beyond one object since it was planned. */
async function quarantineAndSplit(road: PackagedRoad, { source }: Databases): Promise<void> {
  await road.stop('extract');
  await source.query(`update sales_order set agreed_payment_date = 'soon' where sales_order_id = 1`);
  await source.query(`update design set last_updated = now() where design_id = 1`);
  await road.invoke('ingestion-plan');
  // 24 MB of hexadecimal digits, of which no compression leaves less than half.
  await source.query(`
    insert into design
    select 1000 + row, 'Large', (select string_agg(md5(random()::text || row || part), '')
                                   from generate_series(1, 250) part), 'large.json', now(), now()
      from generate_series(1, 3000) row`);
  await road.settle();
  await source.query('delete from design where design_id > 1000');
}

/** A row that is gone before it is extracted, of a table that is taken for one that extracts look at. */
async function findNothing(road: PackagedRoad, { source }: Databases): Promise<void> {
  const read = await readCaptureState(road.ingested);
  const design = read && knownOf(read.state, 'design');
  if (read?.state.lastRun === undefined || design === undefined)
    throw new Error('no plan has looked at design');
  design.look = { seconds: 0, byExtractsOf: read.state.lastRun };
  await road.ingested.replace(captureStateKey, formatCaptureState(read.state), read.etag);
  await road.stop('extract');
  await source.query(`insert into design values (9999, 'Short', '/', 'short.json', now(), now())`);
  await road.invoke('ingestion-plan');
  await source.query('delete from design where design_id = 9999');
  await road.settle();
  if (!(await hasAny(road.ingested, emptyFolder))) throw new Error('no extract has found nothing');
}

/** A table that cannot be read is a dead letter; its message is sent back once it can. */
async function failAndRecover(road: PackagedRoad, { source }: Databases): Promise<void> {
  await source.query('revoke select on currency from reader');
  await road.invoke('ingestion-plan');
  await road.settle();
  await source.query('grant select on currency to reader');
  await redrive(road, 'extract');
}

async function redrive(road: PackagedRoad, kind: QueueKind): Promise<void> {
  const [letter] = await deadLettersOf(road, kind);
  if (letter === undefined) throw new Error(`there is no dead letter of ${kind}`);
  await road.send(kind, letter);
  await road.settle();
}

async function deadLettersOf(road: PackagedRoad, kind: QueueKind): Promise<Message[]> {
  let letters: Message[] = [];
  await seen(async () => {
    letters = await road.receive(`${kind}-dlq`);
    return letters.length > 0;
  });
  return letters;
}

/** A slice that was planned on another server: the state tells whether it is superseded. */
async function sendAstray(road: PackagedRoad): Promise<object> {
  const [letter] = await deadLettersOf(road, 'extract');
  const message = JSON.parse(letter?.Body ?? '{}') as object;
  await road.send('extract', { Body: JSON.stringify({ ...message, generation: '1', identity: 'another' }) });
  await road.settle();
  return message;
}

/** @param message that of `sendAstray`: its dead letter has been settled by a sweep meanwhile */
async function sendAstrayWithoutState(road: PackagedRoad, message: object): Promise<void> {
  const copied = countCalls(road, 'ingestion-extract', 'sqs:SendMessage');
  await road.send('extract', { Body: JSON.stringify({ ...message, identity: 'another' }) });
  road.start('extract');
  await seen(() => countCalls(road, 'ingestion-extract', 'sqs:SendMessage') > copied);
  await road.stop('extract');
}

const countCalls = (road: PackagedRoad, caller: string, action: string): number =>
  road.proxy.calls.filter((call) => call.caller === caller && call.action === action).length;

/** An object that is not there, one that is replayed, and one that has been a dead letter. */
async function sendObjectMessages(road: PackagedRoad, kind: 'transform' | 'load'): Promise<void> {
  const zone = kind === 'transform' ? road.ingested : road.processed;
  const { bucket } = zone;
  const key = await newestKey(zone, kind === 'transform' ? 'currency/' : 'dim_currency/');
  const text = (value: string) => ({ DataType: 'String', StringValue: value });
  await road.send(kind, { Body: formatObjectCreated({ bucket, key: key.replace(/-\d{4}/, '-9999') }) });
  const Body = formatObjectCreated({ bucket, key });
  await road.send(kind, { Body, MessageAttributes: { replay: text('again') } });
  await road.send(kind, { Body, MessageAttributes: { failedAt: text(new Date().toISOString()) } });
  await road.settle();
}

/** S3 does not answer for longer than a message's five receives: it is delivered again, and then a copy replaces it. */
async function retryEach(road: PackagedRoad, { source }: Databases): Promise<void> {
  const callers = ['ingestion-extract', 'transformation-transform', 'loading-load'];
  for (const caller of callers) {
    await source.query('update payment_type set last_updated = now()');
    road.proxy.refuse = { caller, service: 's3' };
    await road.invoke('ingestion-plan');
    const before = countCalls(road, caller, 'sqs:SendMessage');
    for (const kind of queueKinds) road.start(kind);
    await seen(() => countCalls(road, caller, 'sqs:SendMessage') > before);
    road.proxy.refuse = undefined;
    await road.settle();
  }
}

/** Each database refuses for a while. The first function that sees it reports it, and the first that is answered again. */
async function outlastOutages(road: PackagedRoad, databases: Databases): Promise<void> {
  const { source } = databases;
  await refuseLogins(databases, 'reader');
  await road.invoke('ingestion-plan').catch(() => {});
  await acceptLogins(databases, 'reader');
  await nameMessage(road, 'source');
  for (const [kind, role] of [
    ['extract', 'reader'],
    ['load', 'loader'],
  ] as const) {
    const caller = kind === 'extract' ? 'ingestion-extract' : 'loading-load';
    await road.stop(kind);
    await source.query('update payment_type set last_updated = now()');
    await road.invoke('ingestion-plan');
    await refuseLogins(databases, role);
    const before = countCalls(road, caller, 'sqs:ChangeMessageVisibility');
    for (const each of queueKinds) road.start(each);
    await seen(() => countCalls(road, caller, 'sqs:ChangeMessageVisibility') > before);
    if (kind === 'load') await road.stop('load');
    await nameMessage(road, kind === 'load' ? 'warehouse' : 'source');
    await acceptLogins(databases, role);
    // The load that has noted the outage does nothing meanwhile.
    if (kind === 'load') {
      await requestResync(databases);
      await leaveDropped(road);
      await road.invoke('loading-freshness');
      await leaveOutage(road, 'warehouse');
    }
    await road.settle();
  }
}

/** The mark of a load that an operator has discarded. */
async function leaveDropped({ ingested, processed }: PackagedRoad): Promise<void> {
  const key = await newestKey(processed, 'dim_currency/');
  await putDropped(ingested, {
    queue: 'load',
    key,
    reason: 'a test',
    droppedAt: fiveDaysAgo().toISOString(),
  });
}

/** The outage that lasts becomes one that began in the middle of a message's work; that message is done since. */
async function nameMessage({ ingested }: PackagedRoad, side: Side): Promise<void> {
  await seen(async () => {
    const outage = await readOutage(ingested, side);
    return outage !== undefined && outage.endedAt === undefined;
  });
  const content = { version: 1, ...(await readOutage(ingested, side)), message: messageOf(side) };
  await ingested.put(formatOutageKey(side), Buffer.from(JSON.stringify(content)));
}

const messageOf = (side: Side): string => formatRetryingKey(side === 'source' ? 'extract' : 'load', 'done');

async function refuseLogins({ source }: Databases, role: string): Promise<void> {
  await source.query(`alter role ${role} nologin`);
  await source.query('select pg_terminate_backend(pid) from pg_stat_activity where usename = $1', [role]);
}

const acceptLogins = ({ source }: Databases, role: string) => source.query(`alter role ${role} login`);

/** A table that is loaded once more has new objects, but not all of its old ones again. */
async function interruptRebuild(road: PackagedRoad, { source, warehouse }: Databases): Promise<void> {
  await beginRebuild(warehouse, 'public', ['dim_currency']);
  await source.query('update currency set last_updated = now()');
  await road.invoke('ingestion-plan');
  await road.settle();
}

/** Events that were lost, dead letters of which SQS has told nobody, and what functions that died have left. */
async function sweepEach(road: PackagedRoad, { warehouse }: Databases): Promise<void> {
  for (const kind of queueKinds) {
    const [letter] = await deadLettersOf(road, kind);
    await road.send(`${kind}-dlq`, { Body: letter?.Body });
    await leaveRetrying(road, kind);
  }
  await sendSettledLetter(road);
  for await (const { key } of road.processed.list('dim_staff/')) await road.processed.delete(key);
  await road.invoke('transformation-sweep');
  await road.settle();
  await warehouse.query(`delete from starlift.object where warehouse_table = 'dim_location'`);
  await leaveOutage(road, 'warehouse');
  await road.invoke('loading-sweep');
  // Now the ledger is remembered, and goes back.
  await warehouse.query(`delete from starlift.object where warehouse_table = 'dim_design'`);
  await road.invoke('loading-sweep');
  await putExpiredRun(road);
  await leaveOutage(road, 'source');
  await road.invoke('ingestion-sweep');
  await road.settle();
}

/** The note of a retried message that has expired. */
async function leaveRetrying({ ingested }: PackagedRoad, queue: QueueKind): Promise<void> {
  const at = fiveDaysAgo().toISOString();
  const failure = { error: 'TransientError', reason: 'a test', attempts: 1 };
  await putRetrying(ingested, 'expired', { queue, waitingSince: at, triedAt: at, nextAt: at, ...failure });
}

/** An outage that has ended without a note of its end. */
async function leaveOutage({ ingested }: PackagedRoad, side: Side): Promise<void> {
  const begun = await beginOutage(ingested, {
    side,
    since: fiveDaysAgo().toISOString(),
    reason: 'a test',
    message: messageOf(side),
  });
  if (begun === undefined) throw new Error(`an outage of the ${side} lasts`);
}

/** A dead letter of the transform queue whose object is loaded. */
async function sendSettledLetter(road: PackagedRoad): Promise<void> {
  const { ingested } = road;
  const key = await newestKey(ingested, 'currency/');
  await road.send('transform-dlq', { Body: formatObjectCreated({ bucket: ingested.bucket, key }) });
}

/** A fact in its initial load, and an object of a run whose record is gone. */
async function loseRecord(road: PackagedRoad, { source, warehouse }: Databases): Promise<void> {
  await road.stop('load');
  await warehouse.query(`insert into starlift.initial_load (warehouse_table) values ('fact_payment')`);
  await source.query('update payment set last_updated = now() where payment_id = 1');
  await road.invoke('ingestion-plan');
  await road.ingested.delete(await newestRun(road));
  await road.settle();
}

/** The record of a run of five days ago, of which nothing was extracted. */
async function putExpiredRun(road: PackagedRoad): Promise<void> {
  const { ingested } = road;
  const { body = [] } = (await ingested.get(await newestRun(road))) ?? {};
  const record = JSON.parse(Buffer.from(body).toString()) as object;
  const run = formatRunId(fiveDaysAgo(), 'abcd');
  await ingested.put(formatRunKey(run), Buffer.from(JSON.stringify({ ...record, run })));
}

const fiveDaysAgo = (): Date => new Date(Date.now() - 5 * 24 * 3_600_000);

const newestRun = ({ ingested }: PackagedRoad): Promise<string> => newestKey(ingested, runFolder);

async function newestKey(zone: Pick<ObjectStore, 'list'>, prefix: string): Promise<string> {
  let newest = '';
  for await (const { key } of zone.list(prefix)) newest = key;
  return newest;
}
