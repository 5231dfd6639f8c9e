import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { type Message, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { type Cloud, type CloudOptions, startCloud } from '../../../cli/embedded/cloud/start-cloud.ts';

export interface Clients {
  s3: S3Client;
  sqs: SQSClient;
  secrets: SecretsManagerClient;
  events: EventBridgeClient;
}

export interface CloudUnderTest extends Clients, AsyncDisposable {
  cloud: Cloud;
  dataDir: string;
}

const folders: string[] = [];

export function makeFolder(): string {
  const folder = fs.mkdtempSync(join(tmpdir(), 'starlift-cloud-'));
  folders.push(folder);
  return folder;
}

/** Removes every folder that this test file has made. */
export function removeFolders(): void {
  for (const folder of folders) fs.rmSync(folder, { recursive: true, force: true });
}

export function makeClients({ endpoint, region }: Pick<Cloud, 'endpoint' | 'region'>): Clients {
  const config = { endpoint, region, credentials: { accessKeyId: 'test', secretAccessKey: 'test' } };
  return {
    s3: new S3Client(config),
    sqs: new SQSClient(config),
    secrets: new SecretsManagerClient(config),
    events: new EventBridgeClient(config),
  };
}

/** Starts a cloud and its clients; disposing stops both. */
export async function openCloud(options: Partial<CloudOptions> = {}): Promise<CloudUnderTest> {
  const dataDir = options.dataDir ?? makeFolder();
  const cloud = await startCloud({
    buckets: [],
    queues: [],
    notifications: [],
    secrets: {},
    ...options,
    dataDir,
  });
  const clients = makeClients(cloud);
  return {
    cloud,
    dataDir,
    ...clients,
    async [Symbol.asyncDispose]() {
      for (const client of Object.values(clients)) client.destroy();
      await cloud.stop();
    },
  };
}

/** Receives at once, without waiting, and asks for everything that a message carries. */
export async function receive(
  { sqs, cloud }: Pick<CloudUnderTest, 'sqs' | 'cloud'>,
  queue: string,
  input: { VisibilityTimeout?: number; WaitTimeSeconds?: number } = {},
): Promise<Message[]> {
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({
      QueueUrl: cloud.queueUrl(queue),
      MaxNumberOfMessages: 10,
      MessageSystemAttributeNames: ['All'],
      MessageAttributeNames: ['All'],
      ...input,
    }),
  );
  return Messages;
}

/** Objects of one bucket, as most tests put and get them. */
export function openBucket({ s3 }: Pick<Clients, 's3'>, Bucket: string) {
  return {
    put: (Key: string, Body: string | Buffer, more: object = {}) =>
      s3.send(new PutObjectCommand({ Bucket, Key, Body, ...more })),
    get: async (Key: string): Promise<Buffer> => {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
      return Buffer.from((await Body?.transformToByteArray()) ?? []);
    },
  };
}

/** 200, or the status and the name of the error that a request ended with. */
export const statusOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 200,
    (error: { name: string; $metadata?: { httpStatusCode?: number } }) =>
      `${error.$metadata?.httpStatusCode} ${error.name}`,
  );
