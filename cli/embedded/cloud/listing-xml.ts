import type { BucketStore } from './bucket-store.ts';
import { escapeXml, S3Error } from './fauxqs.ts';
import type { PageRequest } from './list-page.ts';

/** The query of a ListObjectsV2 request, as it came. */
export interface ListingQuery {
  readonly prefix?: string;
  readonly delimiter?: string;
  readonly 'list-type'?: string;
  readonly 'max-keys'?: string;
  readonly 'start-after'?: string;
  readonly 'continuation-token'?: string;
}

const largestPage = 1000;

export interface Listing extends PageRequest {
  startAfter: string;
  token: string | undefined;
}

/** @throws {S3Error} InvalidArgument */
export function parseListingQuery(query: ListingQuery): Listing {
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
export function formatListing(bucket: string, listing: Listing, store: BucketStore): string {
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
