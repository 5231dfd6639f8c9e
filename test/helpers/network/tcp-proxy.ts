import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A TCP proxy before a server, which can fail as networks do. */
export interface TcpProxy {
  port: number;
  /** The same URL by way of the proxy. */
  through(url: string): string;
  /** How many clients are connected. */
  connections(): number;
  /**
   * Leaves what is open half-open: both sockets stay, and what comes in by either is dropped. Such a connection never
   * comes back.
   *
   * @param newOnes `forwarded`, as where a firewall has forgotten what it let through; `dropped`, as where a cable is cut:
   * they are accepted, and nothing answers
   */
  halfOpen(newOnes: 'forwarded' | 'dropped'): void;
  /** Forwards new connections again. */
  mend(): void;
  /** Ends what is open by a reset, on both sides. */
  reset(): void;
  close(): Promise<void>;
}

/** Starts a proxy before a port of this machine. */
export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  const pairs = new Set<Pair>();
  let isForwarding = true;
  // A half-open socket does not answer an end either.
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const toServer = { port: targetPort, host: '127.0.0.1', allowHalfOpen: true };
    const pair = new Pair(client, isForwarding ? connect(toServer) : undefined);
    pairs.add(pair);
    void pair.closed.then(() => pairs.delete(pair));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    through: (url) => {
      const changed = new URL(url);
      changed.host = `127.0.0.1:${port}`;
      return changed.href;
    },
    connections: () => [...pairs].filter(({ isOpen }) => isOpen).length,
    halfOpen: (newOnes) => {
      isForwarding = newOnes === 'forwarded';
      for (const pair of pairs) pair.drop();
    },
    mend: () => {
      isForwarding = true;
    },
    reset: () => {
      for (const pair of pairs) pair.reset();
    },
    close: async () => {
      for (const pair of pairs) pair.reset();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A client's socket and the one to the server; without one, nothing answers the client. */
class Pair {
  readonly #sockets: Socket[];
  /** Settles when both sockets are closed; the server's may outlive the client's. */
  readonly closed: Promise<unknown>;
  #isDropping: boolean;

  constructor(client: Socket, server: Socket | undefined) {
    this.#sockets = server === undefined ? [client] : [client, server];
    this.#isDropping = server === undefined;
    this.closed = Promise.all(this.#sockets.map((socket) => once(socket, 'close').catch(() => {})));
    for (const socket of this.#sockets) socket.on('error', () => {}).on('data', () => {});
    if (server === undefined) return;
    this.#forward(client, server);
    this.#forward(server, client);
  }

  #forward(from: Socket, to: Socket): void {
    from.on('data', (bytes) => {
      if (this.#isDropping || to.write(bytes)) return;
      from.pause();
      to.once('drain', () => from.resume());
    });
    from.on('end', () => {
      if (!this.#isDropping) to.end();
    });
    from.on('close', () => {
      if (!this.#isDropping) to.destroy();
    });
  }

  get isOpen(): boolean {
    return this.#sockets[0]?.destroyed === false;
  }

  drop(): void {
    this.#isDropping = true;
    for (const socket of this.#sockets) socket.resume();
  }

  reset(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }
}
