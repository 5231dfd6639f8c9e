import { type AwsClients, makeAwsClients } from '../../shared/aws-clients.ts';
import { assertUrls } from '../database/database-url.ts';
import { readStackFile, takeDataFolder } from './data-folder.ts';
import { connectionTo } from './endpoint.ts';
import { type StackOptions, startStack } from './stack.ts';

/** A data folder's stack, running already or started for as long as it is needed. */
export interface OpenedStack {
  endpoint: string;
  clients: AwsClients;
  sourceUrl: string;
  warehouseUrl: string;
  /** Stops what was started here; leaves alone what runs elsewhere. */
  release(): Promise<void>;
}

/** @throws {UsageError | StackError} the folder's stack cannot be started */
export async function openStack(options: StackOptions): Promise<OpenedStack> {
  assertUrls(options);
  const running = findRunningStack(options.data);
  if (running !== undefined) {
    const { endpoint, sourceUrl, warehouseUrl } = running;
    const clients = makeAwsClients({ forcePathStyle: true, connection: connectionTo(endpoint) });
    return { endpoint, clients, sourceUrl, warehouseUrl, release: async () => {} };
  }
  const { cloud, clients, shopUrl, sourceUrl, warehouseUrl, stop } = await startStack(options);
  return { endpoint: cloud.endpoint, clients, sourceUrl: shopUrl ?? sourceUrl, warehouseUrl, release: stop };
}

/** The file alone says little: its process may be dead. The lock knows. */
function findRunningStack(data: string) {
  const folder = takeDataFolder(data);
  if (folder === undefined) return readStackFile(data);
  folder.release();
  return undefined;
}
