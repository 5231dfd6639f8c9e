import { type WithDatabaseOptions, withDatabase } from '../../shared/handler/with-database.ts';
import type { LoadConfig } from './config.ts';

type Settings = Pick<LoadConfig, 'sslmode' | 'warehouseSecretId' | 'connectPatienceMs'>;

/** Middleware: `context.database` is the warehouse. */
export const withWarehouse = (
  { sslmode, warehouseSecretId, connectPatienceMs }: Settings,
  options: Pick<WithDatabaseOptions, 'secretsManager' | 'applicationName' | 'maxConnections'>,
) =>
  withDatabase({
    ...options,
    sslmode,
    secretId: warehouseSecretId,
    what: 'warehouse',
    patienceMs: connectPatienceMs,
  });
