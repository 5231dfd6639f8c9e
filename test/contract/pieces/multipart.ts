import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { definePiece } from '../piece.ts';
import { take } from '../queues.ts';

/** Every part but the last has 5 MiB at least: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
const firstPart = Buffer.alloc(5 * 1024 * 1024, 'a');
const lastPart = Buffer.from('b');
const Key = 'dim_design/large.parquet';

export const multipart = definePiece({
  name: 'an object of two parts',
  source: 'https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html',
  aws: {
    size: 5 * 1024 * 1024 + 1,
    parts: '2',
    events: ['ObjectCreated:CompleteMultipartUpload'],
  },
  observe: async (service) => {
    const { s3 } = service.clients;
    const { bucket, queueUrl } = await service.makeNotifyingBucket('multipart');
    await upload(s3, bucket);
    const { ETag = '', ContentLength } = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key }));
    // The test of the notifications comes first.
    const messages = await take(service, queueUrl, 2);
    const records = messages.flatMap(({ Body = '{}' }) => JSON.parse(Body).Records ?? []);
    return {
      size: ContentLength,
      // https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html: of an upload in parts, no MD5 of the whole.
      parts: ETag.replaceAll('"', '').split('-')[1],
      events: records.map(({ eventName }) => eventName),
    };
  },
});

async function upload(s3: S3Client, Bucket: string): Promise<void> {
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
  const Parts = [];
  for (const [index, Body] of [firstPart, lastPart].entries()) {
    const PartNumber = index + 1;
    const { ETag } = await s3.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body }));
    Parts.push({ PartNumber, ETag });
  }
  const MultipartUpload = { Parts };
  await s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload }));
}
