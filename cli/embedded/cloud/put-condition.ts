import type { IncomingHttpHeaders } from 'node:http';
import { S3Error } from './fauxqs.ts';

/**
 * Checks the conditional headers of a put against the object that is there now, as S3 does.
 *
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
 *
 * @param etag of the object there now, in its quotes; undefined when there is none
 * @throws {S3Error} PreconditionFailed (412), NoSuchKey (404) or NotImplemented (501)
 */
export function assertPutCondition(
  headers: IncomingHttpHeaders,
  etag: string | undefined,
  path: string,
): void {
  const ifNoneMatch = headers['if-none-match'];
  const ifMatch = headers['if-match'];
  if (ifNoneMatch !== undefined) {
    if (ifNoneMatch !== '*' || ifMatch !== undefined) throw notImplemented(path);
    if (etag !== undefined) throw failed(path);
  }
  if (ifMatch === undefined) return;
  if (etag === undefined) throw new S3Error('NoSuchKey', 'The specified key does not exist.', 404, path);
  if (withoutQuotes(ifMatch) !== withoutQuotes(etag)) throw failed(path);
}

const withoutQuotes = (etag: string): string => etag.replaceAll('"', '');

const failed = (path: string): Error =>
  new S3Error(
    'PreconditionFailed',
    'At least one of the pre-conditions you specified did not hold',
    412,
    path,
  );

const notImplemented = (path: string): Error =>
  new S3Error(
    'NotImplemented',
    'A header you provided implies functionality that is not implemented',
    501,
    path,
  );
