import type { IncomingMessage } from 'node:http';
import { joinAndRelease, releaseMemory } from '../../../shared/release-memory.ts';
import type { BucketStore } from './bucket-store.ts';
import { type CloudServer, escapeXml, S3Error } from './fauxqs.ts';
import { internalFailure, isJsonService } from './json-service.ts';
import type { PageRequest } from './list-page.ts';

/** Adds to fauxqs' S3 routes what they lack: request headers for the store, listings, clear refusals. */
export function addObjectRoutes(server: CloudServer, store: BucketStore, maxPutBytes: number): void {
  const tooLarge = () => makeTooLarge(maxPutBytes);
  server.addHook('onRequest', async (request, reply) => {
    if (Number(request.headers['content-length'] ?? 0) <= maxPutBytes) return;
    // Answered before the body is read, the client sees a broken connection in place of the reason.
    request.raw.resume();
    await new Promise((resolve) => request.raw.once('close', resolve).once('end', resolve));
    return sendError(reply, tooLarge());
  });
  server.removeContentTypeParser('*');
  server.addContentTypeParser('*', (_request: unknown, payload: IncomingMessage) =>
    readBody(payload, maxPutBytes),
  );
  server.addHook('preHandler', (request, _reply, done) => store.request.run(request.headers, done));
  server.addHook('preHandler', async (request, reply) => {
    const { bucket, '*': key = '' } = (request.params ?? {}) as { bucket?: string; '*'?: string };
    const query = request.query as ListingQuery;
    if (request.method !== 'GET' || bucket === undefined || key !== '' || query['list-type'] !== '2') return;
    try {
      return reply.type('application/xml').send(formatListing(bucket, parseListingQuery(query), store));
    } catch (error) {
      return sendError(reply, error);
    }
  });
  server.addHook('onSend', (_request, reply, payload, done) => {
    if (payload instanceof Uint8Array) reply.raw.once('finish', () => releaseMemory(payload));
    done(null, payload);
  });
  server.setErrorHandler((error: Error & { code?: string }, request, reply) => {
    const type = request.headers['content-type'] ?? '';
    // Of SQS and the others: one of their clients cannot read XML.
    if (isJsonService(type)) return reply.code(500).type(type).send(internalFailure(error));
    return sendError(reply, error.code === 'FST_ERR_CTP_BODY_TOO_LARGE' ? tooLarge() : error);
  });
}

/**
 * Fastify's own leaves the parts to the garbage collector: up to 30 MB of them lie about in a run.
 *
 * @throws {S3Error} EntityTooLarge (400), of a client that has not said how much it sends: it has been read to its end
 */
async function readBody(payload: AsyncIterable<Buffer>, maxPutBytes: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of payload) {
    bytes += part.length;
    if (bytes <= maxPutBytes) parts.push(part);
  }
  if (bytes > maxPutBytes) throw makeTooLarge(maxPutBytes);
  return joinAndRelease(parts);
}

type Reply = Parameters<Parameters<CloudServer['setErrorHandler']>[0]>[2];

function sendError(reply: Reply, error: unknown): Reply {
  const known = error instanceof S3Error ? error : new S3Error('InternalError', String(error), 500);
  return reply.code(statusOf(known)).type('application/xml').send(known.toXml());
}

const statusOf = (error: Error): number => Number(Reflect.get(error, 'statusCode'));

const makeTooLarge = (maxPutBytes: number): Error =>
  new S3Error(
    'EntityTooLarge',
    `Your proposed upload exceeds the maximum allowed size: ${maxPutBytes} bytes in one request.`,
    400,
  );

/** The query of a ListObjectsV2 request, as it came. */
interface ListingQuery {
  readonly prefix?: string;
  readonly delimiter?: string;
  readonly 'list-type'?: string;
  readonly 'max-keys'?: string;
  readonly 'start-after'?: string;
  readonly 'continuation-token'?: string;
}

const largestPage = 1000;

interface Listing extends PageRequest {
  startAfter: string;
  token: string | undefined;
}

/** @throws {S3Error} InvalidArgument */
function parseListingQuery(query: ListingQuery): Listing {
  const maxKeys = Number(query['max-keys'] ?? largestPage);
  if (!Number.isInteger(maxKeys) || maxKeys < 0) {
    throw new S3Error('InvalidArgument', 'Provided max-keys not an integer or within integer range', 400);
  }
  const startAfter = query['start-after'] ?? '';
  const token = query['continuation-token'];
  return {
    prefix: query.prefix ?? '',
    delimiter: query.delimiter ?? '',
    startAfter,
    token,
    after: token === undefined ? startAfter : Buffer.from(token, 'base64url').toString(),
    maxKeys: Math.min(maxKeys, largestPage),
  };
}

/**
 * Answers ListObjectsV2. fauxqs makes its token from the last key even where a common prefix came after
 * it, so a second page would begin before the end of the first.
 *
 * @throws {S3Error} NoSuchBucket
 */
function formatListing(bucket: string, listing: Listing, store: BucketStore): string {
  const page = store.list(bucket, listing);
  const contents = page.keys.map((key) => {
    const { contentLength, etag, lastModified } = store.headObject(bucket, key);
    const fields = [
      element('Key', key),
      element('LastModified', lastModified.toISOString()),
      element('ETag', etag),
      element('Size', contentLength),
      element('StorageClass', 'STANDARD'),
    ];
    return `<Contents>${fields.join('')}</Contents>`;
  });
  const prefixes = page.commonPrefixes.map((prefix) => {
    return `<CommonPrefixes>${element('Prefix', prefix)}</CommonPrefixes>`;
  });
  const parts = [
    element('Name', bucket),
    element('Prefix', listing.prefix),
    listing.delimiter === '' ? '' : element('Delimiter', listing.delimiter),
    listing.startAfter === '' ? '' : element('StartAfter', listing.startAfter),
    listing.token === undefined ? '' : element('ContinuationToken', listing.token),
    element('KeyCount', contents.length + prefixes.length),
    element('MaxKeys', listing.maxKeys),
    element('IsTruncated', page.next !== undefined),
    page.next === undefined
      ? ''
      : element('NextContinuationToken', Buffer.from(page.next).toString('base64url')),
    ...contents,
    ...prefixes,
  ];
  const namespace = 'http://s3.amazonaws.com/doc/2006-03-01/';
  return `<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="${namespace}">${parts.join('')}</ListBucketResult>`;
}

const element = (name: string, value: string | number | boolean): string =>
  `<${name}>${escapeXml(String(value))}</${name}>`;
