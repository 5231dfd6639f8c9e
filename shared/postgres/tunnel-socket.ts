import { Socket } from 'node:net';

/** Where a connection is made to. */
export interface Address {
  host: string;
  port: number;
}

export const formatAddress = ({ host, port }: Address): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`;

/**
 * A socket that goes to the near end of a tunnel, wherever it is told to connect. So whoever holds it goes on with the
 * server's own name: TLS names that server, and checks that the certificate is its.
 */
export class TunnelSocket extends Socket {
  readonly #nearEnd: Address;

  constructor(nearEnd: Address) {
    super();
    this.#nearEnd = nearEnd;
  }

  override connect(...given: unknown[]): this {
    const listener = given.at(-1);
    const { host, port } = this.#nearEnd;
    return typeof listener === 'function'
      ? super.connect(port, host, listener as () => void)
      : super.connect(port, host);
  }
}
