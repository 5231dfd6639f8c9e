import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import type { Fault, FaultLine } from './faults.ts';
import { MessageSplitter, type PostgresMessage, readStatement } from './postgres-messages.ts';

/** A proxy before a Postgres server that makes faults at places in the protocol, not in time. */
export interface FaultProxy {
  /** The same URL by way of the proxy, unencrypted. */
  through(url: string): string;
  close(): Promise<void>;
}

/** Starts a proxy before a port of this machine, whose connections meet the faults of a line. */
export async function startFaultProxy(targetPort: number, faults: FaultLine): Promise<FaultProxy> {
  const connections = new Set<Connection>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const toServer = connect({ port: targetPort, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    const connection = new Connection(client, toServer, faults);
    connections.add(connection);
    void connection.done.then(() => {
      connections.delete(connection);
      connection.reset();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    through: (url) => {
      const changed = new URL(url);
      changed.host = `127.0.0.1:${port}`;
      changed.searchParams.set('sslmode', 'disable');
      return changed.href;
    },
    close: async () => {
      for (const connection of connections) connection.reset();
      server.close();
      await once(server, 'close');
    },
  };
}

type Origin = 'client' | 'server';

/** A client's socket and the one to the server. */
class Connection {
  readonly #sockets: Record<Origin, Socket>;
  readonly #faults: FaultLine;
  /** Settles when both sockets are closed. */
  readonly done: Promise<unknown>;
  #isDropping = false;
  /** The client's last statement has to end without its answer. */
  #isAnswerLost = false;
  #fragmentedBytes = 0;
  #stall: Promise<unknown> | undefined;

  constructor(client: Socket, server: Socket, faults: FaultLine) {
    this.#sockets = { client, server };
    this.#faults = faults;
    this.done = Promise.all([this.#pump('client', server), this.#pump('server', client)]);
  }

  reset(): void {
    for (const socket of Object.values(this.#sockets)) socket.resetAndDestroy();
  }

  async #pump(origin: Origin, to: Socket): Promise<void> {
    const splitter = new MessageSplitter(origin);
    to.on('error', () => {});
    try {
      for await (const bytes of this.#sockets[origin]) {
        for (const message of splitter.push(bytes as Buffer)) await this.#forward(origin, message, to);
      }
      if (!this.#isDropping) to.end();
    } catch {
      // An end by a reset is one for the other side too, unless nothing passes any more.
      if (!this.#isDropping) to.destroy();
    }
  }

  async #forward(origin: Origin, message: PostgresMessage, to: Socket): Promise<void> {
    const fault = this.#isDropping ? undefined : this.#meet(origin, message);
    if (fault?.kind === 'reset in copy') {
      await this.#write(to, message.bytes.subarray(0, fault.bytes));
      return this.reset();
    }
    if (fault?.kind === 'half-open') this.#isDropping = true;
    if (fault?.kind === 'lost answer') this.#isAnswerLost = true;
    if (fault?.kind === 'fragments') this.#fragmentedBytes = fault.bytes;
    if (fault?.kind === 'stall') this.#stall = delay(fault.milliseconds, undefined, { ref: false });
    await this.#stall;
    // The server has done what was asked; nobody will know.
    if (this.#isAnswerLost && origin === 'server' && message.type === 'C') return this.reset();
    if (!this.#isDropping) await this.#write(to, message.bytes);
  }

  #meet(origin: Origin, message: PostgresMessage): Fault | undefined {
    const isCopyData = message.type === 'd';
    if (isCopyData) return this.#faults.meet(origin === 'client' ? 'copy in' : 'copy out');
    if (origin === 'server') return undefined;
    const statement = readStatement(message);
    if (/^\s*commit\b/i.test(statement)) return this.#faults.meet('commit');
    return statement === '' ? undefined : this.#faults.meet('statement');
  }

  async #write(to: Socket, bytes: Buffer): Promise<void> {
    const fragmented = Math.min(this.#fragmentedBytes, bytes.length);
    this.#fragmentedBytes -= fragmented;
    for (const byte of bytes.subarray(0, fragmented)) {
      to.write(Buffer.of(byte));
      await nextTurn();
    }
    if (fragmented < bytes.length && !to.write(bytes.subarray(fragmented))) {
      await Promise.race([once(to, 'drain'), once(to, 'close')]);
    }
  }
}
