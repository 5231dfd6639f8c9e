import { GetQueueAttributesCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type pg from 'pg';
import { type QueueKind, queueKinds } from '../../shared/queue/queue-settings.ts';
import { starSchema } from '../../shared/star-schema/star-schema.ts';
import { connect } from '../connect.ts';
import { type DeadLetter, listDeadLetters } from '../embedded/dead-letters.ts';
import type { OpenedStack } from '../embedded/open-stack.ts';
import { queueNames } from '../embedded/resources.ts';
import { countWaiting, readTableStates, type TableState } from '../run/ledger.ts';

export interface TableStatus extends TableState {
  waiting: number;
  deadLetters: number;
}

export interface QueueStatus {
  queue: QueueKind;
  /** Messages that wait for a handler. */
  ready: number;
  inFlight: number;
  deadLetters: number;
}

export interface Status {
  /** Nothing needs a hand. */
  ok: boolean;
  tables: TableStatus[];
  queues: QueueStatus[];
  deadLetters: DeadLetter[];
}

/** One look at everything; the warehouse may be empty still. */
export async function readStatus(stack: OpenedStack): Promise<Status> {
  const warehouse = await connect(stack.warehouseUrl, 'warehouse');
  try {
    const deadLetters = await listDeadLetters(stack.endpoint);
    const tables = (await hasLedger(warehouse)) ? await readTables(warehouse, deadLetters) : [];
    const queues = await Promise.all(
      queueKinds.map((queue) => readQueue(stack.clients.sqs, stack.endpoint, queue, deadLetters)),
    );
    const ok = deadLetters.length === 0 && tables.every(({ waiting }) => waiting === 0);
    return { ok, tables, queues, deadLetters };
  } finally {
    await warehouse.end();
  }
}

async function hasLedger(warehouse: pg.Client): Promise<boolean> {
  const { rows } = await warehouse.query<{ exists: boolean }>(
    `select to_regclass('starlift.object') is not null as exists`,
  );
  return rows[0]?.exists === true;
}

async function readTables(warehouse: pg.Client, deadLetters: readonly DeadLetter[]): Promise<TableStatus[]> {
  const states = await readTableStates(warehouse);
  const waiting = await countWaiting(warehouse);
  return starSchema.tables.map((table) => {
    const names = table.kind === 'calendar' ? [table.name] : [table.name, table.source.name];
    return {
      ...(states.find((state) => state.table === table.name) ?? {
        table: table.name,
        objects: 0,
        rows: 0,
        quarantined: 0,
        loadedAt: null,
        run: null,
      }),
      waiting: waiting.find((count) => count.table === table.name)?.rows ?? 0,
      deadLetters: deadLetters.filter((letter) => names.includes(letter.table ?? '')).length,
    };
  });
}

async function readQueue(
  sqs: SQSClient,
  endpoint: string,
  queue: QueueKind,
  deadLetters: readonly DeadLetter[],
): Promise<QueueStatus> {
  const { Attributes = {} } = await sqs.send(
    new GetQueueAttributesCommand({
      QueueUrl: `${endpoint}/000000000000/${queueNames[queue]}`,
      AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
    }),
  );
  return {
    queue,
    ready: Number(Attributes.ApproximateNumberOfMessages ?? 0),
    inFlight: Number(Attributes.ApproximateNumberOfMessagesNotVisible ?? 0),
    deadLetters: deadLetters.filter((letter) => letter.queue === queue).length,
  };
}
