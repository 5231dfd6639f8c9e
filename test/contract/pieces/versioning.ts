import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { answerOf, definePiece } from '../piece.ts';

const Bucket = 'contract-versioning';
const Key = 'state/capture.json';

export const versioning = definePiece({
  name: 'versions of a replaced and a deleted object',
  source: 'https://docs.aws.amazon.com/AmazonS3/latest/userguide/versioning-workflows.html',
  aws: {
    versions: [
      { isLatest: true, isFirst: false },
      { isLatest: false, isFirst: true },
    ],
    first: 'first',
    afterDelete: { get: '404 NoSuchKey', listed: 0, versions: 2, isMarkerLatest: true },
    createdAgain: '200',
  },
  observe: async ({ clients: { s3 } }) => {
    await s3.send(new CreateBucketCommand({ Bucket }));
    const VersioningConfiguration = { Status: 'Enabled' } as const;
    await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
    const { VersionId } = await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'first' }));
    await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'second' }));
    const { Versions = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket }));
    const first = await s3.send(new GetObjectCommand({ Bucket, Key, VersionId }));
    await s3.send(new DeleteObjectCommand({ Bucket, Key }));
    const left = await s3.send(new ListObjectVersionsCommand({ Bucket }));
    const listed = await s3.send(new ListObjectsV2Command({ Bucket }));
    return {
      versions: Versions.map((version) => ({
        isLatest: version.IsLatest,
        isFirst: version.VersionId === VersionId,
      })),
      first: await first.Body?.transformToString(),
      afterDelete: {
        get: await answerOf(s3.send(new GetObjectCommand({ Bucket, Key }))),
        listed: listed.KeyCount,
        versions: left.Versions?.length,
        isMarkerLatest: left.DeleteMarkers?.[0]?.IsLatest,
      },
      // Beneath a delete marker there is no object: the condition holds.
      createdAgain: await answerOf(
        s3.send(new PutObjectCommand({ Bucket, Key, Body: 'third', IfNoneMatch: '*' })),
      ),
    };
  },
});
