import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { answerOf, definePiece } from '../piece.ts';

/** CRC-32's check value, of '123456789': CBF43926. https://reveng.sourceforge.io/crc-catalogue/17plus.htm */
const ofDigits = 'y/Q5Jg==';

export const checksumOfPut = definePiece({
  name: 'the CRC32 of a put',
  source: 'https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html',
  aws: { ofItsBytes: '200', ofOtherBytes: '400 BadDigest', leavesNothing: '404 NoSuchKey' },
  observe: async ({ clients: { s3 } }) => {
    const Bucket = 'contract-checksums';
    await s3.send(new CreateBucketCommand({ Bucket }));
    const put = (Key: string, Body: string) =>
      answerOf(s3.send(new PutObjectCommand({ Bucket, Key, Body, ChecksumCRC32: ofDigits })));
    return {
      ofItsBytes: await put('whole', '123456789'),
      ofOtherBytes: await put('damaged', '123456780'),
      leavesNothing: await answerOf(s3.send(new GetObjectCommand({ Bucket, Key: 'damaged' }))),
    };
  },
});
