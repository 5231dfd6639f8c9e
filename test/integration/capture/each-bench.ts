import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach } from '@jest/globals';
import type { PostgresServer } from '../../helpers/postgres/temporary-postgres.ts';
import { type CaptureBench, makeCaptureBench } from './capture-bench.ts';

/** Gives each test of the describe that it is called in a shop of its own, all on one server. */
export function benchInEachTest(
  start: () => Promise<PostgresServer>,
  take: (bench: CaptureBench) => void,
): void {
  let server: PostgresServer;
  let bench: CaptureBench | undefined;

  beforeAll(async () => {
    server = await start();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    bench = await makeCaptureBench(await server.createDatabase(`shop_${randomUUID()}`));
    take(bench);
  });
  afterEach(() => bench?.end());
}
