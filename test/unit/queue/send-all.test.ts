import { describe, expect, it } from '@jest/globals';
import { TransientError } from '../../../shared/errors.ts';
import { type OutgoingMessage, sendAll, textAttribute } from '../../../shared/queue/send-all.ts';

interface Entry {
  MessageBody: string;
  MessageAttributes?: Record<string, { DataType: string; StringValue: string }>;
}

/** The batches that SQS was sent. */
async function batchesOf(messages: readonly OutgoingMessage[]): Promise<Entry[][]> {
  const batches: Entry[][] = [];
  const send = async ({ input }: { input: { Entries: Entry[] } }) => {
    batches.push(input.Entries);
    return {};
  };
  await sendAll({ send } as never, 'http://queue', messages);
  return batches;
}

/** As AWS counts a batch. */
const bytesOf = (batch: readonly Entry[]) =>
  batch
    .flatMap(({ MessageBody, MessageAttributes = {} }) => [
      MessageBody,
      ...Object.entries(MessageAttributes).flatMap(([name, value]) => [
        ...[name, value.DataType, value.StringValue],
      ]),
    ])
    .reduce((sum, text) => sum + Buffer.byteLength(text), 0);

describe('messages for a queue', () => {
  it('go in batches of ten, each once and in their order', async () => {
    const bodies = Array.from({ length: 25 }, (_, index) => `message ${index}`);
    const batches = await batchesOf(bodies.map((body) => ({ body })));
    expect(batches.map((batch) => batch.length)).toEqual([10, 10, 5]);
    expect(batches.flat().map(({ MessageBody }) => MessageBody)).toEqual(bodies);
  });

  it('are never more than 256 KiB in a batch, and fill it to the last byte', async () => {
    const quarter = { body: 'é'.repeat(32 * 1024) };
    const full = await batchesOf(Array.from({ length: 8 }, () => quarter));
    expect(full.map(bytesOf)).toEqual([262_144, 262_144]);
    const attributes = { replay: textAttribute('r1') };
    const over = await batchesOf(Array.from({ length: 8 }, () => ({ ...quarter, attributes })));
    expect(over.map((batch) => batch.length)).toEqual([3, 3, 2]);
  });

  it('that are too large take no other along', async () => {
    const batches = await batchesOf([{ body: 'a' }, { body: 'x'.repeat(300_000) }, { body: 'b' }]);
    expect(batches.map((batch) => batch.length)).toEqual([1, 1, 1]);
  });

  it('that SQS took only in part are a failure that is tried again', async () => {
    const send = async () => ({ Failed: [{ Id: '0', Code: 'Throttled', Message: 'slow down' }] });
    const sending = sendAll({ send } as never, 'http://queue', [{ body: 'a' }, { body: 'b' }]);
    await expect(sending).rejects.toThrow(TransientError);
    await expect(sending).rejects.toThrow('SQS did not take 1 of 2 messages: slow down');
  });
});
