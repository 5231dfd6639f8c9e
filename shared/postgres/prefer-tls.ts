import type { Duplex } from 'node:stream';
import type pg from 'pg';

/** Undeclared members of pg's Connection. */
interface ConnectionInside {
  stream: Duplex;
  connect(port: number, host: string): void;
  attachListeners(stream: Duplex): void;
  emit(event: 'sslconnect'): void;
}

/** The server's whole answer where it has no TLS: https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-SSL */
const noTls = 'N';

/**
 * Lets a client that asks for TLS go on without it where its server has none, as libpq's `sslmode=prefer` does. pg itself
 * gives up. To be called before the client connects.
 */
export function preferTls(client: pg.Client): void {
  const { connection } = client as unknown as { connection: ConnectionInside };
  const connect = connection.connect.bind(connection);
  connection.connect = (port, host) => {
    connect(port, host);
    const { stream } = connection;
    const [takeAnswer] = stream.listeners('data') as ((answer: Buffer) => void)[];
    if (takeAnswer === undefined) return;
    stream.removeListener('data', takeAnswer);
    stream.once('data', (answer: Buffer) => {
      if (answer.toString() !== noTls) return takeAnswer(answer);
      connection.attachListeners(stream);
      // What pg says once the connection is secured: the client logs in.
      connection.emit('sslconnect');
    });
  };
}
