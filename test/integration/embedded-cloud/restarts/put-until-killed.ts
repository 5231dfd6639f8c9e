// A process of its own for kill.test.ts: a cloud, and a client that puts objects until somebody kills both.
// Prints a line for every put that was answered.
import { createHash, randomBytes } from 'node:crypto';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { openCloud, receive } from '../cloud-under-test.ts';
import { cloudOptions } from './killed-cloud-options.ts';

const [dataDir = '', round = ''] = process.argv.slice(2);
const under = await openCloud({ ...cloudOptions, dataDir });

async function put(Key: string): Promise<void> {
  const Body = randomBytes(2_000_000);
  const Metadata = { sha256: createHash('sha256').update(Body).digest('hex') };
  await under.s3.send(new PutObjectCommand({ Bucket: 'ingested', Key, Body, Metadata }));
  console.log(Key);
}

await under.sqs.send(
  new SendMessageCommand({ QueueUrl: under.cloud.queueUrl('extract'), MessageBody: `in flight ${round}` }),
);
await receive(under, 'extract');
for (let i = 0; ; i += 1) await Promise.all([put(`${round}-${i}.ndjson.zst`), put('state.json')]);
