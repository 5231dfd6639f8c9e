import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { TransientError } from './errors.ts';
import type { QueueKind } from './queue/queue-settings.ts';
import type { Side } from './records/outages.ts';

/** The events that the pipeline sends to EventBridge; docs/events.md documents the detail of each. */
export type PipelineEvent =
  | {
      type: 'Table Failed';
      detail: { queue: QueueKind; table?: string; key?: string; error: string; reason: string };
    }
  | { type: 'Rows Quarantined'; detail: { table: string; key: string; rows: number } }
  | { type: 'Table Recovered'; detail: { queue: QueueKind; table: string; key: string } }
  | { type: 'Outage Began'; detail: { side: Side; since: string; reason: string } }
  | { type: 'Outage Ended'; detail: { side: Side; since: string; endedAt: string } };

/** @throws {TransientError} EventBridge did not accept the event */
export type Notify = (event: PipelineEvent) => Promise<void>;

/**
 * Makes the function that sends an event to EventBridge.
 *
 * @param stage the deployed stage's name, which every event carries: stages share the bus of their account
 */
export const makeNotify =
  (eventBridge: Pick<EventBridgeClient, 'send'>, stage: string): Notify =>
  async ({ type, detail }) => {
    const Detail = JSON.stringify({ stage, ...detail });
    const entry = { Source: 'starlift', DetailType: type, Detail };
    const { FailedEntryCount } = await eventBridge.send(new PutEventsCommand({ Entries: [entry] }));
    if (FailedEntryCount) throw new TransientError(`EventBridge did not accept the event ${type}`);
  };
