import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { TransientError } from './errors.ts';
import type { ObjectStore } from './object-store/object-store.ts';
import type { QueueKind } from './queue/queue-settings.ts';
import type { Side } from './records/outages.ts';
import { isFirstInHour } from './records/told.ts';

/** The events that the pipeline sends to EventBridge; docs/events.md documents the detail of each. */
export type PipelineEvent =
  | {
      type: 'Table Failed';
      detail: { queue: QueueKind; table?: string; key?: string; error: string; reason: string };
    }
  | { type: 'Rows Quarantined'; detail: { table: string; key: string; rows: number } }
  | { type: 'Rows Deleted'; detail: { table: string; key: string; rows: number } }
  | { type: 'Census Held'; detail: { table: string; key: string; reason: string } }
  | { type: 'Table Recovered'; detail: { queue: QueueKind; table: string; key: string } }
  | { type: 'Outage Began'; detail: { side: Side; since: string; reason: string } }
  | { type: 'Outage Ended'; detail: { side: Side; since: string; endedAt: string } };

/** @throws {TransientError} EventBridge did not accept the event */
export type Notify = (event: PipelineEvent) => Promise<void>;

/**
 * Makes the function that sends an event to EventBridge.
 *
 * @param stage the deployed stage's name, which every event carries: stages share the bus of their account
 * @param ingested remembers what operators were told of; undefined for a function that reports outages alone
 */
export const makeNotify =
  (
    eventBridge: Pick<EventBridgeClient, 'send'>,
    stage: string,
    ingested?: Pick<ObjectStore, 'get' | 'replace'>,
  ): Notify =>
  async (event) => {
    const { type, detail } = event;
    const attention = await describeForOperators(event, stage, ingested);
    const Detail = JSON.stringify({ stage, ...detail, ...attention });
    const entry = { Source: 'starlift', DetailType: type, Detail };
    const { FailedEntryCount } = await eventBridge.send(new PutEventsCommand({ Entries: [entry] }));
    if (FailedEntryCount) throw new TransientError(`EventBridge did not accept the event ${type}`);
  };

interface Attention {
  /** One line for a mail or a chat. */
  summary: string;
  /** Whether it is the first of its cause within an hour; the stage's rule passes on no other. */
  firstInHour: boolean;
}

async function describeForOperators(
  event: PipelineEvent,
  stage: string,
  ingested: Pick<ObjectStore, 'get' | 'replace'> | undefined,
): Promise<Attention | undefined> {
  const sentence = summarize(event, stage);
  if (sentence === undefined) return undefined;
  // EventBridge puts it into a JSON string without escaping it: a quote in it would be an event that reaches nobody.
  const summary = sentence
    .replaceAll('"', "'")
    .replaceAll('\\', '/')
    .replaceAll(/\p{Cc}+/gu, ' ');
  const cause = causeOf(event);
  const firstInHour =
    ingested === undefined || cause === undefined || (await isFirstInHour(ingested, cause, new Date()));
  return { summary, firstInHour };
}

/** @returns undefined for what happens once by itself */
function causeOf({ type, detail }: PipelineEvent): string[] | undefined {
  if (type === 'Rows Quarantined' || type === 'Census Held') return [type, detail.table];
  if (type !== 'Table Failed') return undefined;
  // A number in a reason is a row's or a process's, and differs from message to message.
  return [type, detail.queue, detail.table ?? '', detail.error, detail.reason.replaceAll(/\d+/g, '#')];
}

/** @returns undefined for what needs no attention */
function summarize({ type, detail }: PipelineEvent, stage: string): string | undefined {
  const head = `Starlift ${stage}:`;
  switch (type) {
    case 'Table Failed':
      return `${head} ${detail.table ?? 'a message'} failed in ${detail.queue}: ${detail.reason}. See npx starlift failures --stage ${stage}`;
    case 'Rows Quarantined':
      return `${head} ${detail.rows} ${detail.rows === 1 ? 'row' : 'rows'} of ${detail.table} broke the contract. See npx starlift quarantine --stage ${stage}`;
    case 'Outage Began':
      return `${head} the ${detail.side} refuses since ${detail.since}: ${detail.reason}. Nothing is lost; see npx starlift status --stage ${stage}`;
    case 'Outage Ended':
      return `${head} the ${detail.side} answers again since ${detail.endedAt}; it had refused since ${detail.since}`;
    case 'Census Held':
      return `${head} no deleted row of ${detail.table} is marked, because ${detail.reason}. See npx starlift deletes --stage ${stage}`;
    case 'Rows Deleted':
    case 'Table Recovered':
      return undefined;
  }
}
