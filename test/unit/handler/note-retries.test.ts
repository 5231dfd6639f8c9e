import { describe, expect, it } from '@jest/globals';
import type { SQSRecord } from 'aws-lambda';
import { RefusedError } from '../../../shared/errors.ts';
import { makeRetryNotes } from '../../../shared/handler/note-retries.ts';
import { failureReasonOf } from '../../../shared/queue/dead-letter.ts';
import { formatCopyAttributes } from '../../../shared/queue/retry-state.ts';
import { makeMemoryStore } from '../../helpers/rows/memory-store.ts';

const record = (receives: number, messageAttributes = {}) =>
  ({
    body: '{}',
    attributes: { ApproximateReceiveCount: String(receives), SentTimestamp: '0' },
    messageAttributes,
  }) as unknown as SQSRecord;

describe('what is noted of a message that is retried', () => {
  const makeNotes = () => {
    const store = makeMemoryStore();
    const events: string[] = [];
    const deps = {
      ingested: store,
      queue: 'load' as const,
      logger: { error: () => {} },
      notify: async ({ type }: { type: string }) => void events.push(type),
    };
    return { store, events, deps, notes: makeRetryNotes('warehouse', deps) };
  };
  const error = new RefusedError('the server is starting', { by: 'warehouse', table: 'dim_staff' });
  const waitingSince = new Date('2026-01-01T00:00:00Z');
  const refused = (of: SQSRecord) => ({
    record: of,
    error,
    reason: failureReasonOf(error),
    verdict: { action: 'wait' as const, attempts: 0, delaySeconds: 2, isCopied: true, waitingSince },
  });

  it('is there after a refusal, and gone when its copy succeeds at the first receive', async () => {
    const { store, notes } = makeNotes();
    await notes.onFailure(refused(record(5)));
    const [key = ''] = [...store.objects.keys()].filter((each) => each.startsWith('state/retrying/load/'));
    const content = JSON.parse(Buffer.from((await store.get(key))?.body ?? []).toString());
    expect(content).toMatchObject({ table: 'dim_staff', by: 'warehouse', attempts: 0 });
    const attributes = Object.entries(formatCopyAttributes(record(5), { attempts: 0, waitingSince }));
    const copied = attributes.map(([name, { StringValue }]) => [name, { stringValue: StringValue }]);
    await notes.onHandled(record(1, Object.fromEntries(copied)));
    expect([...store.objects.keys()]).toEqual(['state/outages/warehouse.json']);
  });

  it('is an outage, reported once by all processes together, and ended by one that did not see its beginning', async () => {
    const { events, deps, notes } = makeNotes();
    await notes.onFailure(refused(record(1)));
    await notes.onFailure(refused(record(2)));
    await makeRetryNotes('warehouse', deps).onFailure(refused(record(1)));
    await makeRetryNotes('warehouse', deps).onHandled(record(1));
    await notes.onHandled(record(3));
    expect(events).toEqual(['Outage Began', 'Outage Ended']);
  });

  it('ends with the message that it lasts for, though another process is done with it that had seen none', async () => {
    const { events, deps, notes } = makeNotes();
    const other = makeRetryNotes('warehouse', deps);
    await other.onHandled(record(1));
    await notes.onFailure({ ...refused(record(1)), error: new RefusedError('no room', { by: 'database' }) });
    await other.onHandled(record(2));
    expect(events).toEqual(['Outage Began', 'Outage Ended']);
  });

  it('is a second outage for a process that saw the first one begin, and not end', async () => {
    const { events, deps, notes } = makeNotes();
    await notes.onFailure(refused(record(1)));
    await makeRetryNotes('warehouse', deps).onHandled(record(1));
    await notes.onFailure(refused(record(2)));
    expect(events).toEqual(['Outage Began', 'Outage Ended', 'Outage Began']);
  });
});
