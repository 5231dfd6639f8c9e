import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach } from '@jest/globals';
import type { Model } from '../../../shared/model/model.ts';
import { type PostgresServer, startTemporaryPostgres } from '../postgres/temporary-postgres.ts';
import { WarehouseUnderTest } from './warehouse-under-test.ts';

/** Gives each test of the describe that it is called in a warehouse of its own, all on one server. */
export function warehouseInEachTest(model: Model, take: (warehouse: WarehouseUnderTest) => void): void {
  let server: PostgresServer;
  let warehouse: WarehouseUnderTest | undefined;

  beforeAll(async () => {
    server = await startTemporaryPostgres();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    warehouse = await WarehouseUnderTest.make(await server.createDatabase(`w${randomUUID()}`), model);
    take(warehouse);
  });
  afterEach(() => warehouse?.end());
}
