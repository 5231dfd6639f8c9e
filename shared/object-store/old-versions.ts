import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
  type S3Client,
} from '@aws-sdk/client-s3';
import { TransientError } from '../errors.ts';

/** What a bucket with versioning keeps of objects that were replaced or deleted. */
export interface OldVersions {
  list(prefix: string): AsyncIterable<OldVersion>;
  /** undefined where it is gone meanwhile */
  get(version: OldVersion): Promise<{ body: Uint8Array; metadata: Record<string, string> } | undefined>;
  delete(version: OldVersion): Promise<void>;
}

export interface OldVersion {
  key: string;
  versionId: string;
}

export const makeOldVersions = (s3: S3Client, bucket: string): OldVersions => ({
  list: (prefix) => listOld(s3, bucket, prefix),
  get: async ({ key, versionId }) => {
    const get = new GetObjectCommand({ Bucket: bucket, Key: key, VersionId: versionId });
    const answer = await s3.send(get).catch((error: Error) => {
      if (['NoSuchKey', 'NoSuchVersion', 'NotFound'].includes(error.name)) return undefined;
      throw error;
    });
    if (answer === undefined) return undefined;
    const body = await answer.Body?.transformToByteArray();
    if (body === undefined) throw new TransientError('S3 answered without a body', { key });
    return { body, metadata: answer.Metadata ?? {} };
  },
  delete: async ({ key, versionId }) => {
    await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: key, VersionId: versionId }));
  },
});

async function* listOld(s3: S3Client, bucket: string, prefix: string): AsyncIterable<OldVersion> {
  let at: Pick<ListObjectVersionsCommandOutput, 'NextKeyMarker' | 'NextVersionIdMarker'> | undefined = {};
  while (at !== undefined) {
    const page: ListObjectVersionsCommandOutput = await s3.send(
      new ListObjectVersionsCommand({
        Bucket: bucket,
        Prefix: prefix,
        KeyMarker: at.NextKeyMarker,
        VersionIdMarker: at.NextVersionIdMarker,
      }),
    );
    for (const { Key, VersionId, IsLatest } of page.Versions ?? []) {
      if (Key !== undefined && VersionId !== undefined && IsLatest !== true)
        yield { key: Key, versionId: VersionId };
    }
    at = page.IsTruncated === true ? page : undefined;
  }
}
