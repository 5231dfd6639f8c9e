import { type Address, formatAddress } from '../../../shared/postgres/tunnel-socket.ts';
import { UsageError } from '../../terminal/usage-error.ts';

/** The near ends of tunnels to a stage's databases. */
export type Vias = Readonly<Partial<Record<Side, Address>>>;
type Side = 'source' | 'warehouse';

const options = { warehouse: 'via', source: 'via-source' } as const satisfies Record<Side, string>;

export const viaOption = (side: Side): string => `--${options[side]}`;

/**
 * Reads --via and --via-source.
 *
 * @throws {UsageError} one is no host and port
 */
export function parseVias(values: Readonly<Record<string, string | boolean | undefined>>): Vias {
  const sides = ['source', 'warehouse'] as const;
  return Object.fromEntries(
    sides.flatMap((side) => {
      const text = values[options[side]];
      return typeof text === 'string' ? [[side, parseAddress(viaOption(side), text)]] : [];
    }),
  );
}

/** The same options again, as a command to type ends with. */
export function formatVias(vias: Vias = {}): string {
  return (['warehouse', 'source'] as const)
    .map((side) => {
      const via = vias[side];
      return via === undefined ? '' : ` ${viaOption(side)} ${formatAddress(via)}`;
    })
    .join('');
}

function parseAddress(option: string, text: string): Address {
  const [, ipv6, name, digits = ''] = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:/@[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const [host, port] = [ipv6 ?? name, Number(digits)];
  if (host !== undefined && port >= 1 && port <= 65_535) return { host, port };
  throw new UsageError(
    `${option} ${text} is not the near end of a tunnel (expected HOST:PORT, such as localhost:15432)`,
  );
}
