import type { GetMetricStatisticsCommand } from '@aws-sdk/client-cloudwatch';
import { describe, expect, it } from '@jest/globals';
import { readOldestSentAt } from '../../../cli/site/stage/stage-queues.ts';

const now = new Date('2026-11-25T12:00:00Z');

async function read(points: { at: string; seconds: number }[]) {
  const asked: unknown[] = [];
  const Datapoints = points.map(({ at, seconds }) => ({ Timestamp: new Date(at), Maximum: seconds }));
  const cloudWatch = {
    send: async ({ input }: GetMetricStatisticsCommand) => {
      asked.push(input.Dimensions, input.StartTime?.toISOString());
      return { Datapoints };
    },
  };
  const sentAt = await readOldestSentAt(cloudWatch as never, 'https://sqs/1/starlift-dev-load', now);
  return { sentAt: sentAt?.toISOString(), asked };
}

describe('the oldest message of a queue', () => {
  it("was sent its age before the end of CloudWatch's newest minute", async () => {
    const { sentAt, asked } = await read([
      { at: '2026-11-25T11:57:00Z', seconds: 300 },
      { at: '2026-11-25T11:58:00Z', seconds: 360 },
      { at: '2026-11-25T11:50:00Z', seconds: 9000 },
    ]);
    expect(sentAt).toBe('2026-11-25T11:53:00.000Z');
    expect(asked).toEqual([[{ Name: 'QueueName', Value: 'starlift-dev-load' }], '2026-11-25T11:45:00.000Z']);
  });

  it('is none where the queue was empty, or nobody has counted', async () => {
    expect((await read([{ at: '2026-11-25T11:58:00Z', seconds: 0 }])).sentAt).toBeUndefined();
    expect((await read([])).sentAt).toBeUndefined();
  });
});
