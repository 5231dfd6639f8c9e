import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { formatError, MessageSplitter, type PostgresMessage } from '../network/postgres-messages.ts';

/**
 * Stands before a server as RDS Proxy does, and is stricter: it never pins. Each transaction gets another of several connections to
 * the server, so whatever a session has set, prepared, locked or made for itself is not there in the next one.
 *
 * It refuses `options`, and takes no CancelRequest; a client's process id is its own.
 *
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy-pinning.html
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy.html#rds-proxy.limitations-pg
 */
export interface RdsProxy {
  url(database: string): string;
  /** Transactions that were begun over another connection than the client's one before. */
  changes(): number;
  /** Requests to cancel a statement, which nothing came of. */
  cancels(): number;
  close(): Promise<void>;
}

interface Backend {
  socket: Socket;
  startup: string;
  isLent: boolean;
  /** Takes what the server says, until the transaction is over. */
  onMessage: ((message: PostgresMessage) => void) | undefined;
}

const cancelCode = 80_877_102;
const tlsCode = 80_877_103;
/** Of each kind of login: one more than there may be clients at work, so that another one is always free. */
const poolSize = 12;

/** @param serverPort of a server that trusts everybody */
export async function startRdsProxy(serverPort: number): Promise<RdsProxy> {
  const counts = { changes: 0, cancels: 0 };
  const clients = new Set<Socket>();
  const pool: Backend[] = [];
  const waiting: (() => void)[] = [];

  const open = async (startup: Buffer): Promise<{ backend: Backend; greeting: Buffer[] }> => {
    const socket = connect(serverPort, '127.0.0.1').on('error', () => {});
    const backend: Backend = {
      socket,
      startup: startup.toString('latin1'),
      isLent: true,
      onMessage: undefined,
    };
    const splitter = new MessageSplitter('server');
    socket.on('data', (bytes) => {
      for (const message of splitter.push(bytes)) backend.onMessage?.(message);
    });
    socket.on('close', () => pool.splice(pool.indexOf(backend), pool.includes(backend) ? 1 : 0));
    const greeting: Buffer[] = [];
    const isReady = new Promise<void>((resolve) => {
      backend.onMessage = ({ type, bytes }) => {
        greeting.push(bytes);
        if (type === 'Z' || type === 'E') resolve();
      };
    });
    socket.write(startup);
    await Promise.race([isReady, once(socket, 'close')]);
    if (!socket.destroyed) pool.push(backend);
    return { backend, greeting };
  };
  const release = (backend: Backend) => {
    backend.isLent = false;
    backend.onMessage = undefined;
    for (const wake of waiting.splice(0)) wake();
  };
  const borrow = async (startup: Buffer, before: Backend | undefined): Promise<Backend> => {
    const key = startup.toString('latin1');
    for (;;) {
      const mine = pool.filter((each) => each.startup === key);
      const other = mine.find((each) => !each.isLent && each !== before);
      if (other !== undefined) {
        other.isLent = true;
        return other;
      }
      if (mine.length < poolSize) return (await open(startup)).backend;
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
  };

  const serve = async (client: Socket) => {
    const splitter = new MessageSplitter('client');
    let startup: Buffer | undefined;
    let backend: Backend | undefined;
    let before: Backend | undefined;
    client.on('close', () => backend?.socket.destroy());
    for await (const bytes of client as AsyncIterable<Buffer>) {
      for (const message of splitter.push(bytes)) {
        if (message.type === '') {
          const code = message.bytes.readInt32BE(4);
          if (code === tlsCode) client.write('N');
          else if (code === cancelCode) {
            counts.cancels += 1;
            client.destroy();
            return;
          } else if (message.bytes.includes('\0options\0')) {
            client.end(refusal);
            return;
          } else {
            startup = message.bytes;
            const { backend: first, greeting } = await open(startup);
            client.write(Buffer.concat(greeting.map(withOwnProcessId)));
            release(first);
          }
          continue;
        }
        if (message.type === 'X' || startup === undefined) {
          client.end();
          return;
        }
        if (backend === undefined) {
          const lent = await borrow(startup, before);
          if (before !== undefined && lent !== before) counts.changes += 1;
          backend = lent;
          lent.onMessage = (answer) => {
            client.write(answer.bytes);
            // ReadyForQuery, and no transaction is open.
            if (answer.type !== 'Z' || answer.bytes[5] !== 'I'.charCodeAt(0)) return;
            before = lent;
            backend = undefined;
            release(lent);
          };
        }
        backend.socket.write(message.bytes);
      }
    }
  };

  const listener = createServer((client) => {
    clients.add(client);
    client.on('error', () => {}).on('close', () => clients.delete(client));
    // A client may go away at any point.
    serve(client).catch(() => client.destroy());
  }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  return {
    url: (database) => `postgres://postgres@127.0.0.1:${port}/${database}`,
    changes: () => counts.changes,
    cancels: () => counts.cancels,
    close: async () => {
      listener.close();
      for (const client of clients) client.destroy();
      for (const { socket } of [...pool]) socket.destroy();
      await once(listener, 'close');
    },
  };
}

/** BackendKeyData of a number that no process of the server has. */
function withOwnProcessId(bytes: Buffer): Buffer {
  if (bytes[0] !== 'K'.charCodeAt(0)) return bytes;
  const own = Buffer.from(bytes);
  own.writeInt32BE(2_000_000_000, 5);
  return own;
}

/** In RDS Proxy's own words. */
const refusal = formatError({
  S: 'FATAL',
  V: 'FATAL',
  C: '0A000',
  M: 'Feature not supported: RDS Proxy currently doesn’t support command-line options.',
});
