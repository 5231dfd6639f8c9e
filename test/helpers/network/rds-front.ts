import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { giveCertificate } from '../postgres/server-certificate.ts';
import type { PostgresServer } from '../postgres/temporary-postgres.ts';
import { formatError } from './postgres-messages.ts';

/** A server before a Postgres that trusts everybody: as RDS does for IAM, it asks over TLS for a password in the open. */
export interface RdsFront {
  port: number;
  /** Its certificate, as the authority that a client knows. */
  certificate: string;
  /** What was sent as a password, in the order of the logins. */
  tokens: readonly string[];
  close(): void;
}

/** @param isGranted whether it takes a token */
export async function startRdsFront(
  server: PostgresServer,
  host: string,
  isGranted: (token: string) => boolean,
): Promise<RdsFront> {
  await giveCertificate(server, host);
  const [cert, key] = await Promise.all(
    ['server.crt', 'server.key'].map((name) => readFile(join(server.dataDir, name), 'utf8')),
  );
  if (cert === undefined || key === undefined) throw new Error('two files were read');
  const tokens: string[] = [];
  const logIn = async (socket: Socket) => {
    // An SSLRequest, which clients send before all else.
    await once(socket, 'data');
    const secured = new TLSSocket(socket, { isServer: true, cert, key });
    secured.on('error', () => {});
    socket.write('S');
    const [startup] = (await once(secured, 'data')) as [Buffer];
    secured.write(cleartextPassword);
    const [answer] = (await once(secured, 'data')) as [Buffer];
    // A type of one byte, a length of four, and a zero at the end.
    const token = answer.subarray(5, -1).toString();
    tokens.push(token);
    if (!isGranted(token)) {
      secured.end(refusal);
      return;
    }
    const onward = connect(server.port, '127.0.0.1').on('error', () => {});
    onward.write(startup);
    secured.pipe(onward).pipe(secured);
  };
  const listener = createServer((socket) => {
    socket.on('error', () => {});
    // A client may go away at any point.
    logIn(socket).catch(() => socket.destroy());
  }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  return { port, certificate: cert, tokens, close: () => listener.close() };
}

/** https://www.postgresql.org/docs/current/protocol-message-formats.html: AuthenticationCleartextPassword */
const cleartextPassword = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3]);

/** An ErrorResponse, as Postgres sends it where PAM has refused, by which RDS asks IAM. */
const refusal = formatError({ S: 'FATAL', V: 'FATAL', C: '28000', M: 'PAM authentication failed for user' });
