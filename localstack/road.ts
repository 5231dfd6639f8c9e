import { secretOfUrl } from '../cli/database/database-url.ts';
import { buckets } from '../cli/embedded/resources.ts';
import { startServices } from '../cli/embedded/services.ts';
import { loadDefinition } from '../cli/project/load-model.ts';
import { type AwsClients, makeAwsClients } from '../shared/aws-clients.ts';
import { makeObjectStore } from '../shared/object-store/object-store.ts';
import { publishModel } from '../shared/records/published-model.ts';
import { openSqsQueue } from '../test/helpers/network/sqs-queue.ts';
import { makeResources, region } from './make-resources.ts';

export interface RoadOptions {
  /** LocalStack's. */
  endpoint: string;
  sourceUrl: string;
  warehouseUrl: string;
  /** Gets each line that the services write. */
  onLog(line: string): void;
}

/** The three services on LocalStack's S3, SQS, Secrets Manager and EventBridge. */
export interface Road {
  clients: AwsClients;
  queueUrl(name: string): string;
  /** Runs the plan function, as the schedule does on AWS. */
  plan(): Promise<unknown>;
  stop(): Promise<void>;
}

/**
 * Makes the resources, publishes the model of the working directory's project, else the sample shop's, and sets the services to
 * work: handlers in processes of their own, fed by the event source
 * mapping of the embedded stack, for LocalStack runs no functions without Docker.
 */
export async function startRoad({ endpoint, sourceUrl, warehouseUrl, onLog }: RoadOptions): Promise<Road> {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const clients = makeAwsClients({ forcePathStyle: true, connection: { endpoint, region, credentials } });
  await makeResources(clients, {
    source: secretOfUrl('--source', sourceUrl),
    warehouse: secretOfUrl('--warehouse', warehouseUrl),
  });
  const { definition } = await loadDefinition();
  await publishModel(makeObjectStore(clients.s3, buckets.ingested), definition);
  const queueUrl = (name: string) => `${endpoint}/000000000000/${name}`;
  const openQueue = (name: string) => openSqsQueue(clients.sqs, queueUrl(name), 1);
  const services = startServices(
    { endpoint, region, queueUrl, openQueue },
    {
      ...{ sourceRestart: 'identity', warehouseSchema: 'public', foreignKeys: 'declared', workers: 2, onLog },
    },
  );
  services.start();
  return {
    ...{ clients, queueUrl, plan: services.plan },
    stop: async () => {
      await services.release();
      await services.endWorkers();
      for (const client of Object.values(clients)) client.destroy();
    },
  };
}
