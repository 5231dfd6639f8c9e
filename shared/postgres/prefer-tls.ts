import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type pg from 'pg';

/** Undeclared members of pg's Client. */
interface ClientInside {
  ssl: unknown;
  connection: ConnectionInside;
}

/** Undeclared members of pg's Connection. */
interface ConnectionInside {
  stream: Duplex;
  ssl: unknown;
  /** It ends of its own accord, such as after its connect timeout. */
  _ending: boolean;
  connect(port: number, host: string): void;
  attachListeners(stream: Duplex): void;
  emit(event: string, ...given: unknown[]): boolean;
}

type MakeStream = () => Duplex | undefined;

/** The server's whole answer where it has no TLS: https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-SSL */
const noTls = 'N';

/**
 * Has a client do as libpq's `sslmode=prefer` does: "first try an SSL connection; if that fails, try a non-SSL connection"
 * (https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNECT-SSLMODE). pg itself gives up. To be called before
 * the client connects.
 *
 * Without TLS it goes on where the server has none, and it connects anew without TLS where the handshake fails or the server
 * refuses the login over TLS, whatever the reason: pg_hba.conf may take the same role without TLS alone. A connection that
 * is lost is no refusal, and neither is what the server says after it has taken the login.
 *
 * @param makeStream the client's own, where it does not go by a plain socket
 */
export function preferTls(client: pg.Client, makeStream: MakeStream = () => undefined): void {
  const { connection } = client as unknown as ClientInside;
  const connect = connection.connect.bind(connection);
  connection.connect = (port, host) => {
    connect(port, host);
    const { stream } = connection;
    const [takeAnswer] = stream.listeners('data') as ((answer: Buffer) => void)[];
    if (takeAnswer === undefined) return;
    stream.removeListener('data', takeAnswer);
    stream.once('data', (answer: Buffer) => {
      if (answer.toString() !== noTls) {
        takeAnswer(answer);
        retryWithoutTls(client, stream, () => {
          connection.stream = makeStream() ?? new Socket();
          connect(port, host);
        });
        return;
      }
      connection.attachListeners(stream);
      // What pg says once the connection is secured: the client logs in.
      connection.emit('sslconnect');
    });
  };
}

/** @param socket below the connection's TLS */
function retryWithoutTls(client: pg.Client, socket: Duplex, connect: () => void): void {
  const inside = client as unknown as ClientInside;
  const { connection } = inside;
  const emit = connection.emit.bind(connection);
  let refusal: unknown;
  let isSecured = false;
  connection.stream.once('secureConnect', () => {
    isSecured = true;
  });
  connection.emit = (event, ...given) => {
    const isRefused = event === 'errorMessage' || (event === 'error' && !isSecured && !connection._ending);
    if (refusal === undefined && isRefused) {
      [refusal] = given;
      drop(connection.stream);
      drop(socket);
      inside.ssl = false;
      connection.ssl = false;
      connect();
      return true;
    }
    const isOver = event === 'authenticationOk' || event === 'error' || event === 'errorMessage';
    if (isOver) connection.emit = emit;
    if (event === 'errorMessage' && refusal !== undefined)
      return emit(event, chooseReason(refusal, given[0]));
    return emit(event, ...given);
  };
}

/** Its end is nobody's any more. */
function drop(stream: Duplex): void {
  stream.removeAllListeners();
  stream.on('error', () => {});
  stream.destroy();
}

const notInHba = '28000';

/** Of the two refusals, the one that is not merely of the way in which the client came. */
const chooseReason = (overTls: unknown, without: unknown): unknown =>
  (without as { code?: unknown }).code === notInHba &&
  (overTls as { severity?: unknown }).severity !== undefined
    ? overTls
    : without;
