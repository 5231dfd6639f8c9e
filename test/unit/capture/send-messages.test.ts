import { describe, expect, it } from '@jest/globals';
import { makeSend } from '../../../services/ingestion/extract-queue.ts';
import { TransientError } from '../../../shared/errors.ts';
import type { ExtractMessage } from '../../../shared/records/plan/extract-message.ts';

const messages = Array.from(
  { length: 25 },
  (_, index): ExtractMessage => ({
    version: 1,
    run: '20240229T235959999Z00af',
    slice: String(index).padStart(4, '0'),
    table: 'staff',
    generation: '1',
    identity: 'a',
    plannedXmax: '100',
  }),
);

describe('extract messages', () => {
  it('that SQS took only in part are a failure that is tried again', async () => {
    const send = async () => ({
      Failed: [{ Id: '3', Code: 'Throttled', Message: 'slow down', SenderFault: false }],
    });
    const sending = makeSend({ send } as never, 'http://queue')(messages);
    await expect(sending).rejects.toThrow(TransientError);
    await expect(makeSend({ send } as never, 'http://queue')(messages)).rejects.toThrow(
      /1 of 10 .*slow down/,
    );
  });

  it('go in batches of ten, each once', async () => {
    const sent: string[][] = [];
    const send = async ({ input }: { input: { Entries: { MessageBody: string }[] } }) => {
      sent.push(input.Entries.map(({ MessageBody }) => JSON.parse(MessageBody).slice));
      return {};
    };
    await makeSend({ send } as never, 'http://queue')(messages);
    expect(sent.map((batch) => batch.length)).toEqual([10, 10, 5]);
    expect(sent.flat()).toEqual(messages.map(({ slice }) => slice));
  });
});
