import { AsyncLocalStorage } from 'node:async_hooks';
import pg from 'pg';

const current = new AsyncLocalStorage<Set<pg.Client>>();

/**
 * What a process would hold: the connections to Postgres that are made in the course of some work, however deep in it.
 * The innermost holder has them.
 */
export class Connections {
  readonly #clients = new Set<pg.Client>();

  holdThoseOf<T>(work: () => T): T {
    watchConnects();
    return current.run(this.#clients, work);
  }

  /** Cuts all that are open, as the system does when a process ends. */
  cut(): void {
    for (const client of this.#clients) {
      client.on('error', () => {});
      (client as pg.Client & { connection?: pg.Connection }).connection?.stream.destroy();
    }
    this.#clients.clear();
  }
}

type Connect = (this: pg.Client, ...args: never[]) => unknown;
let original: Connect | undefined;

function watchConnects(): void {
  if (original !== undefined) return;
  const connect = Reflect.get(pg.Client.prototype, 'connect') as Connect;
  original = connect;
  const watched: Connect = function (...args) {
    const clients = current.getStore()?.add(this);
    this.once('end', () => clients?.delete(this));
    return connect.apply(this, args);
  };
  Reflect.set(pg.Client.prototype, 'connect', watched);
}
