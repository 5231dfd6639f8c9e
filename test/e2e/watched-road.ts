import { afterAll, afterEach, beforeAll } from '@jest/globals';
import { type PostgresServer, startTemporaryPostgres } from '../helpers/postgres/temporary-postgres.ts';
import { makeDataFolder, makeShop, optionsOf, type Road, removeFolder } from './road.ts';
import { startWatch, type Watch } from './watch.ts';

/** One road of a small shop, on which each test starts its own watch. */
export interface WatchedRoad {
  /** Made before the first test. */
  readonly road: Road;
  /** Starts a watch that looks every second, and ends with the test. */
  startWatch(env?: Record<string, string>, more?: readonly string[]): Watch;
}

/** Makes the road for the tests of the describe that calls it, and removes it after them. */
export function useWatchedRoad(): WatchedRoad {
  let server: PostgresServer | undefined;
  let made: Road | undefined;
  const watches: Watch[] = [];
  const road = () => {
    if (made === undefined) throw new Error('the road is made before the first test');
    return made;
  };
  beforeAll(async () => {
    server = await startTemporaryPostgres();
    const source = await makeShop(server, 'shop', 50);
    made = { source, warehouse: await server.createDatabase('warehouse'), data: await makeDataFolder() };
  });
  afterEach(async () => {
    for (const watch of watches.splice(0)) await watch.end();
  });
  afterAll(async () => {
    await server?.stop();
    if (made !== undefined) await removeFolder(made.data);
  });
  return {
    get road() {
      return road();
    },
    startWatch: (env = {}, more = []) => {
      const watch = startWatch(['--every', '1', ...optionsOf(road()), ...more], env);
      watches.push(watch);
      return watch;
    },
  };
}
