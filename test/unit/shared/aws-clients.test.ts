import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { expect, it } from '@jest/globals';
import { makeAwsClients } from '../../../shared/aws-clients.ts';

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
