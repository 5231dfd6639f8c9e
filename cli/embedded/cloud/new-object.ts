import { createHash, randomBytes } from 'node:crypto';
import { computeChecksum, S3Error, type S3Object, type S3Store } from './fauxqs.ts';

type PutArguments = Parameters<S3Store['putObject']>;

/** Of a body up to here the ETag is its MD5, bytes. */
const maxHashedBytes = 64 * 1024;

/**
 * What a put makes, as fauxqs' own store does, but for the ETag of a large body, and with its checksum compared.
 *
 * @throws {S3Error} BadDigest (400): the body is not what the client sent
 */
export function makeObject(
  ...[bucket, key, body, contentType, metadata, systemMetadata, checksum]: PutArguments
): S3Object {
  if (checksum !== undefined) assertChecksum(body, checksum, `/${bucket}/${key}`);
  return {
    key,
    body,
    contentLength: body.length,
    etag: makeEtag(body),
    lastModified: new Date(),
    contentType: contentType ?? 'application/octet-stream',
    metadata: metadata ?? {},
    ...systemMetadata,
    ...(checksum && {
      checksumAlgorithm: checksum.algorithm,
      checksumValue: checksum.value,
      checksumType: checksum.type,
    }),
  };
}

function assertChecksum(
  body: Buffer,
  { algorithm, value }: NonNullable<PutArguments[6]>,
  path: string,
): void {
  if (computeChecksum(algorithm, body) === value) return;
  throw new S3Error('BadDigest', `The ${algorithm} you specified did not match what we received.`, 400, path);
}

/**
 * A large object's is another for each put, in the form that S3 gives to what came in parts: by its dash clients tell
 * that it is no MD5. That of every body would be 2 % of the CPU time of a run, and says what the checksum says.
 */
function makeEtag(body: Buffer): string {
  if (body.length > maxHashedBytes) return `"${randomBytes(16).toString('hex')}-1"`;
  return `"${createHash('md5').update(body).digest('hex')}"`;
}
