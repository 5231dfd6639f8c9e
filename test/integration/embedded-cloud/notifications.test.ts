import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, describe, expect, it } from '@jest/globals';
import { startCloud } from '../../../cli/embedded/cloud/start-cloud.ts';
import { makeFolder, openCloud, receive, removeFolders } from './cloud-under-test.ts';

const options = {
  buckets: ['ingested', 'processed'],
  queues: [{ name: 'transform', visibilitySeconds: 30, maxReceiveCount: 5 }],
  notifications: [{ bucket: 'ingested', suffix: '.ndjson.zst', queue: 'transform' }],
};

afterAll(removeFolders);

describe('a notification', () => {
  it('is announced by a test event, once for a data folder', async () => {
    const dataDir = makeFolder();
    for (const _start of ['first', 'second']) {
      await using under = await openCloud({ ...options, dataDir });
      // Not deleted, so the second start finds it again, and would find a second one beside it.
      const messages = await receive(under, 'transform');
      const events = messages.map(({ Body }) => JSON.parse(Body ?? '') as object);
      expect(events).toEqual([
        expect.objectContaining({ Service: 'Amazon S3', Event: 's3:TestEvent', Bucket: 'ingested' }),
      ]);
      expect(events[0]).toHaveProperty('Time', expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]{12}Z$/));
    }
  });

  it('has the shape that S3 documents, and is there when the put is answered', async () => {
    await using under = await openCloud(options);
    await receive(under, 'transform');
    const Key = "sales order/(2024)/é+ü='1'~*!.ndjson.zst";
    await under.s3.send(new PutObjectCommand({ Bucket: 'ingested', Key, Body: 'abc' }));
    const [message, ...others] = await receive(under, 'transform');
    expect(others).toEqual([]);
    const { Records } = JSON.parse(message?.Body ?? '') as { Records: object[] };
    expect(Records).toEqual([
      expect.objectContaining({
        eventVersion: '2.1',
        eventSource: 'aws:s3',
        awsRegion: under.cloud.region,
        eventTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        eventName: 'ObjectCreated:Put',
        s3: expect.objectContaining({
          s3SchemaVersion: '1.0',
          bucket: expect.objectContaining({ name: 'ingested', arn: 'arn:aws:s3:::ingested' }),
          object: {
            key: 'sales+order/%282024%29/%C3%A9%2B%C3%BC%3D%271%27%7E*%21.ndjson.zst',
            size: 3,
            eTag: '900150983cd24fb0d6963f7d28e17f72',
            sequencer: expect.stringMatching(/^[0-9A-F]{18}$/),
          },
        }),
      }),
    ]);
  });

  it('comes for the suffix and bucket of its rule only', async () => {
    await using under = await openCloud(options);
    await receive(under, 'transform');
    await under.s3.send(new PutObjectCommand({ Bucket: 'ingested', Key: 'state/runs/1.json', Body: '{}' }));
    await under.s3.send(new PutObjectCommand({ Bucket: 'processed', Key: 'x.ndjson.zst', Body: 'x' }));
    expect(await receive(under, 'transform')).toEqual([]);
  });

  it('comes once for the writer that won, not for those that lost', async () => {
    await using under = await openCloud(options);
    await receive(under, 'transform');
    const put = () =>
      under.s3.send(
        new PutObjectCommand({ Bucket: 'ingested', Key: 'k.ndjson.zst', Body: 'x', IfNoneMatch: '*' }),
      );
    await Promise.allSettled([put(), put(), put()]);
    expect(await receive(under, 'transform')).toHaveLength(1);
  });

  it('has a sequencer that grows', async () => {
    await using under = await openCloud(options);
    await receive(under, 'transform');
    for (const Body of ['1', '2', '3']) {
      await under.s3.send(new PutObjectCommand({ Bucket: 'ingested', Key: 'k.ndjson.zst', Body }));
    }
    const sequencers = (await receive(under, 'transform')).map(
      ({ Body }) => /"sequencer":"(\w+)"/.exec(Body ?? '')?.[1],
    );
    expect(sequencers).toHaveLength(3);
    expect(sequencers).toEqual([...new Set(sequencers)].sort());
  });

  it('to a queue that is not there stops the start and names it', async () => {
    const notifications = [{ bucket: 'ingested', suffix: '', queue: 'nowhere' }];
    const start = startCloud({ ...options, notifications, secrets: {}, dataDir: makeFolder() });
    await expect(start).rejects.toThrow('nowhere');
  });
});
