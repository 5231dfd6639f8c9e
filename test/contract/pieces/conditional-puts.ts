import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { answerOf, definePiece } from '../piece.ts';
import type { Service } from '../service.ts';

const source = 'https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html';
const writers = Array.from({ length: 20 }, (_, number) => `writer ${number}`);

/** 412: the condition does not hold. 409: another write of the key was under way, its outcome unknown. */
const refusals = new Set<unknown>(['412 PreconditionFailed', '409 ConditionalRequestConflict']);

const oneWinner = { winners: 1, refused: 19, otherAnswers: [], holds: 'what the winner wrote' };

export const racingCreates = definePiece({
  name: 'If-None-Match: *, 20 racing writers',
  source,
  aws: oneWinner,
  observe: async (service) => {
    const Bucket = await makeBucket(service, 'racing-creates');
    return race(service, Bucket, { IfNoneMatch: '*' });
  },
});

export const racingReplaces = definePiece({
  name: 'If-Match, 20 racing writers',
  source,
  aws: oneWinner,
  observe: async (service) => {
    const Bucket = await makeBucket(service, 'racing-replaces');
    const first = new PutObjectCommand({ Bucket, Key: 'raced', Body: 'first' });
    const { ETag } = await service.clients.s3.send(first);
    return race(service, Bucket, { IfMatch: ETag });
  },
});

export const failedConditions = definePiece({
  name: 'conditions of a put that do not hold',
  source,
  aws: {
    createOverObject: '412 PreconditionFailed',
    replaceOtherVersion: '412 PreconditionFailed',
    replaceNothing: '404 NoSuchKey',
  },
  observe: async (service) => {
    const Bucket = await makeBucket(service, 'failed-conditions');
    const put = (Key: string, condition: object) =>
      service.clients.s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x', ...condition }));
    await put('there', {});
    return {
      createOverObject: await answerOf(put('there', { IfNoneMatch: '*' })),
      replaceOtherVersion: await answerOf(put('there', { IfMatch: '"00000000000000000000000000000000"' })),
      replaceNothing: await answerOf(put('missing', { IfMatch: '"00000000000000000000000000000000"' })),
    };
  },
});

async function makeBucket({ clients }: Service, name: string): Promise<string> {
  const Bucket = `contract-${name}`;
  await clients.s3.send(new CreateBucketCommand({ Bucket }));
  return Bucket;
}

async function race({ clients: { s3 } }: Service, Bucket: string, condition: object): Promise<object> {
  const puts = writers.map((Body) =>
    answerOf(s3.send(new PutObjectCommand({ Bucket, Key: 'raced', Body, ...condition }))),
  );
  const answers = await Promise.all(puts);
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: 'raced' }));
  const held = await Body?.transformToString();
  return {
    winners: answers.filter((answer) => answer === '200').length,
    refused: answers.filter((answer) => refusals.has(answer)).length,
    otherAnswers: answers.filter((answer) => answer !== '200' && !refusals.has(answer)),
    holds: held === writers[answers.indexOf('200')] ? 'what the winner wrote' : held,
  };
}
