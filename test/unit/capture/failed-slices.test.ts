import { describe, expect, it } from '@jest/globals';
import type { SQSRecord } from 'aws-lambda';
import { recordFailure, recordRecovery } from '../../../services/ingestion/extract-queue.ts';
import { TerminalError } from '../../../shared/errors.ts';
import { makeNotify } from '../../../shared/events.ts';
import { failureReasonOf } from '../../../shared/queue/dead-letter.ts';
import { type ExtractMessage, formatExtractMessage } from '../../../shared/records/plan/extract-message.ts';

const message: ExtractMessage = {
  version: 1,
  run: '20240229T235959999Z00af',
  slice: '0003',
  table: 'staff',
  generation: '1',
  identity: 'a',
  plannedXmax: '100',
};
const key = 'failed/20240229T235959999Z00af-0003.json';

/** A bucket of keys, and an EventBridge that is out of order. */
function makeDeps() {
  const keys = new Set<string>();
  const logged: string[] = [];
  const send = () => Promise.reject(new Error('EventBridge is out of order'));
  return {
    keys,
    logged,
    ingested: {
      put: async (put: string) => void keys.add(put),
      delete: async (deleted: string) => void keys.delete(deleted),
    },
    report: {
      queue: 'extract' as const,
      logger: { error: (text: unknown) => logged.push(String(text)), warn: () => {} } as never,
      notify: makeNotify({ send } as never, 'ci'),
    },
  };
}

const retry = {
  action: 'retry' as const,
  attempts: 1,
  delaySeconds: 2,
  isCopied: true,
  waitingSince: new Date(),
};
const error = new TerminalError('the source has no table public.staff', { table: 'staff' });
const record = { body: formatExtractMessage(message), messageAttributes: {} } as SQSRecord;

describe('the record of a failed slice', () => {
  it('is there though nobody could be told, and goes when its redriven message succeeds', async () => {
    const deps = makeDeps();
    await recordFailure(
      { record, error, reason: failureReasonOf(error), verdict: { action: 'dead-letter' } },
      deps,
    );
    expect([...deps.keys]).toEqual([key]);
    expect(deps.logged).toContain('the event Table Failed was not taken');

    await recordRecovery(record, message, deps);
    expect([...deps.keys]).toEqual([key]);
    const failedAt = { stringValue: '2024-02-29T23:59:59.999Z', dataType: 'String' as const };
    await recordRecovery({ messageAttributes: { failedAt } }, message, deps);
    expect(deps.keys.size).toBe(0);
  });

  it('is not made for a message that is tried again', async () => {
    const deps = makeDeps();
    await recordFailure({ record, error, reason: failureReasonOf(error), verdict: retry }, deps);
    expect(deps.keys.size).toBe(0);
  });
});
