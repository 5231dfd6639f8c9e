import { buckets, queueNames } from '../../cli/embedded/resources.ts';
import type { Site } from '../../cli/site/site.ts';
import { receiveDeadLetters } from '../../cli/site/stage/stage-queues.ts';
import type { Road } from '../../localstack/road.ts';
import { makeObjectStore } from '../../shared/object-store/object-store.ts';
import { deadLetterQueueName, type QueueKind } from '../../shared/queue/queue-settings.ts';
import { totesys } from '../helpers/models/totesys.ts';

/** The road on LocalStack as the operators' commands see it. */
export function makeLocalStackSite({ clients, queueUrl: urlOf }: Road): Site {
  const { s3, sqs } = clients;
  const queueUrl = (kind: QueueKind) => urlOf(queueNames[kind]);
  const deadLetterUrl = (kind: QueueKind) => deadLetterQueueName(queueUrl(kind));
  const receiveWaitSeconds = 0;
  return {
    model: totesys,
    sqs,
    queueUrl,
    deadLetterUrl,
    receiveWaitSeconds,
    quietSeconds: 0,
    ingested: makeObjectStore(s3, buckets.ingested),
    processed: makeObjectStore(s3, buckets.processed),
    connectWarehouse: () => Promise.reject(new Error('a redrive asks no warehouse')),
    warehouseSchema: 'public',
    listDeadLetters: () => receiveDeadLetters({ sqs, deadLetterUrl, receiveWaitSeconds }),
    activity: { isRunning: true, pid: undefined, endedUnexpectedly: false, everySeconds: undefined },
    oldestSentAt: () => Promise.resolve(undefined),
    selector: '',
    takenBy: 'The services take them.',
  };
}
