import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { expect, it } from '@jest/globals';
import { makeAwsClients, requestTimeouts } from '../../../shared/aws-clients.ts';
import { toPipelineError } from '../../../shared/classify-error.ts';
import { TransientError } from '../../../shared/errors.ts';
import { makeObjectStore } from '../../../shared/object-store/object-store.ts';
import { isLong } from '../../helpers/jest/long-form.ts';

// CRC-32's check value, of '123456789': CBF43926. https://reveng.sourceforge.io/crc-catalogue/17plus.htm
const body = '123456789';
const crc32 = 'y/Q5Jg==';

it("an object's body goes with its CRC32, and its SHA-256 is not taken besides", async () => {
  expect(await headersOfPut(Buffer.from(body))).toMatchObject({
    'x-amz-checksum-crc32': crc32,
    'x-amz-content-sha256': 'UNSIGNED-PAYLOAD',
  });
});

it('a stream goes with its checksum behind it', async () => {
  expect(await headersOfPut(Readable.from([body], { objectMode: false }))).toMatchObject({
    'x-amz-trailer': 'x-amz-checksum-crc32',
    'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
  });
});

it.each(['before its answer', 'in the middle of an object'])(
  'a service that falls silent %s costs a transient failure, and no more time than three attempts take',
  async (when) => {
    const server = createServer((_request, response) => {
      if (when === 'before its answer') return;
      response.writeHead(200, { 'content-length': '1000' });
      response.write('the first bytes');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
    const connection = { endpoint: `http://127.0.0.1:${port}`, region: 'eu-west-2', credentials };
    const requestHandler = { connectionTimeout: 1000, socketTimeout: 300 };
    const { s3 } = makeAwsClients({ forcePathStyle: true, connection, requestHandler });
    const startedAt = Date.now();
    const failure = await makeObjectStore(s3, 'bucket')
      .get('key')
      .then(
        () => undefined,
        (error: unknown) => toPipelineError(error),
      );
    expect(failure).toBeInstanceOf(TransientError);
    expect(Date.now() - startedAt).toBeLessThan(10_000);
    s3.destroy();
    server.closeAllConnections();
    server.close();
  },
);

// What is set by default takes half a minute to wait for: the short form sees that every client takes the limits.
const limits = isLong ? requestTimeouts : { connectionTimeout: 500, socketTimeout: 1000 };

it(`all clients give a silent service up within ${isLong ? 30 : 10} s, attempts together`, async () => {
  const server = createServer(() => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
  const endpoint = `http://127.0.0.1:${port}`;
  const connection = { endpoint, region: 'eu-west-2', credentials };
  const { s3, sqs, secretsManager, eventBridge } = makeAwsClients({
    forcePathStyle: true,
    connection,
    requestHandler: limits,
  });
  const startedAt = Date.now();
  const settled = await Promise.allSettled([
    s3.send(new PutObjectCommand({ Bucket: 'a', Key: 'b', Body: Buffer.from(body) })),
    sqs.send(new SendMessageCommand({ QueueUrl: `${endpoint}/0/q`, MessageBody: body })),
    secretsManager.send(new GetSecretValueCommand({ SecretId: 'a' })),
    eventBridge.send(new PutEventsCommand({ Entries: [] })),
  ]);
  expect(settled.map((each) => each.status === 'rejected' && each.reason.name)).toEqual(
    Array(4).fill('TimeoutError'),
  );
  for (const each of settled) {
    expect(each.status === 'rejected' && toPipelineError(each.reason).message).toMatch(
      /127\.0\.0\.1 does not answer: /,
    );
  }
  expect(Date.now() - startedAt).toBeLessThan(isLong ? 30_000 : 10_000);
  server.closeAllConnections();
  server.close();
});

async function headersOfPut(Body: Buffer | Readable): Promise<IncomingHttpHeaders> {
  let seen: IncomingHttpHeaders = {};
  const server = createServer((request, response) => {
    seen = request.headers;
    request.resume().on('end', () => response.end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
  const connection = { endpoint: `http://127.0.0.1:${port}`, region: 'eu-west-2', credentials };
  const { s3 } = makeAwsClients({ forcePathStyle: true, connection });
  await s3.send(new PutObjectCommand({ Bucket: 'a', Key: 'b', Body, ContentLength: body.length }));
  s3.destroy();
  server.close();
  return seen;
}
