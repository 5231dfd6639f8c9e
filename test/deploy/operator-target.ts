import { S3Client } from '@aws-sdk/client-s3';
import { receiveDeadLetters } from '../../cli/operator/receive-dead-letters.ts';
import type { OperatorTarget } from '../../cli/operator/target.ts';
import { makeObjectStore } from '../../shared/object-store/object-store.ts';
import type { DeployedStage } from './deployed-stage.ts';
import { region } from './ministack.ts';

/** The deployed stage as the operators' commands see it. */
export function makeOperatorTarget(stage: string, endpoint: string, deployed: DeployedStage): OperatorTarget {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const s3 = new S3Client({ endpoint, region, credentials });
  const bucket = (zone: string) => makeObjectStore(s3, `starlift-${stage}-${zone}-000000000000-${region}`);
  const reading = {
    sqs: deployed.sqs,
    deadLetterUrl: (kind: Parameters<OperatorTarget['deadLetterUrl']>[0]) => deployed.queueUrl(kind, '-dlq'),
    receiveWaitSeconds: 0,
  };
  return {
    ...reading,
    ingested: bucket('ingested'),
    processed: bucket('processed'),
    queueUrl: (kind) => deployed.queueUrl(kind),
    warehouse: () => Promise.reject(new Error('a redrive asks no warehouse')),
    warehouseSchema: 'public',
    listDeadLetters: () => receiveDeadLetters(reading),
    oldestSentAt: () => Promise.resolve(undefined),
    selector: ` --stage ${stage}`,
  };
}
