import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { TransientError } from './errors.ts';

/** What the pipeline tells the outside; the detail of each is documented in docs/events.md. */
export type PipelineEvent =
  | {
      type: 'Table Failed';
      detail: { stage: string; table?: string; key?: string; error: string; reason: string };
    }
  | { type: 'Rows Quarantined'; detail: { table: string; key: string; rows: number } }
  | { type: 'Table Recovered'; detail: { stage: string; table: string; key: string } };

/** @throws {TransientError} EventBridge did not take the event */
export async function putEvent(
  eventBridge: Pick<EventBridgeClient, 'send'>,
  event: PipelineEvent,
): Promise<void> {
  const entry = { Source: 'starlift', DetailType: event.type, Detail: JSON.stringify(event.detail) };
  const { FailedEntryCount } = await eventBridge.send(new PutEventsCommand({ Entries: [entry] }));
  if (FailedEntryCount) throw new TransientError(`EventBridge did not take the event ${event.type}`);
}
