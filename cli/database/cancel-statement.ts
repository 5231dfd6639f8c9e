import { once } from 'node:events';
import { connect as connectSocket, isIP, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import type pg from 'pg';
import type { Address } from '../../shared/postgres/tunnel-socket.ts';

const withinMs = 5000;

/** The two codes that stand where a protocol's version would: https://www.postgresql.org/docs/current/protocol-message-formats.html */
const cancelRequestCode = 80_877_102;
const sslRequestCode = 80_877_103;

/** What pg has learnt of its connection, beside its declared members. */
interface ConnectedClient {
  host: string;
  port: number;
  ssl: boolean | ConnectionOptions;
  processID: number;
  secretKey: number;
  /** Of a GuardedClient that goes by a tunnel. */
  via?: Address | undefined;
}

/**
 * Asks the server, over a connection of its own, to break off what it does for the client. pg's own way does not work
 * where TLS is used.
 *
 * The server does not say whether it did: the statement ends with an error, or it had ended already.
 */
export async function cancelStatement(client: pg.Client): Promise<void> {
  const { host, port, ssl, processID, secretKey, via } = client as unknown as ConnectedClient;
  let socket: Socket =
    via === undefined && host.startsWith('/')
      ? connectSocket(`${host}/.s.PGSQL.${port}`)
      : connectSocket(via?.port ?? port, via?.host ?? host);
  const signal = AbortSignal.timeout(withinMs);
  try {
    await once(socket, 'connect', { signal });
    if (ssl) socket = await secure(socket, host, ssl, signal);
    socket.write(packet(cancelRequestCode, processID, secretKey));
    // The server closes when it has passed the request on.
    await once(socket.resume(), 'close', { signal });
  } finally {
    socket.destroy();
  }
}

async function secure(
  socket: Socket,
  host: string,
  ssl: true | ConnectionOptions,
  signal: AbortSignal,
): Promise<Socket> {
  socket.write(packet(sslRequestCode));
  const [answer] = (await once(socket, 'data', { signal })) as [Buffer];
  if (answer.toString() !== 'S') return socket;
  const secured = connectTls({
    host,
    ...(isIP(host) === 0 && { servername: host }),
    ...(ssl === true ? {} : ssl),
    socket,
  });
  await once(secured, 'secureConnect', { signal });
  return secured;
}

function packet(...numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 + 4 * numbers.length);
  bytes.writeInt32BE(bytes.length, 0);
  for (const [index, number] of numbers.entries()) bytes.writeInt32BE(number, 4 + 4 * index);
  return bytes;
}
