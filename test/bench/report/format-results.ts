import { formatTable } from '../../../cli/terminal/table.ts';
import type { Result } from '../benchmark.ts';
import type { Spread } from '../measure/summary.ts';

export const legend = `Medians. CPU s: of all processes but Postgres; servers: of both Postgres servers; MB: the largest process but
Postgres, and all of them together. speed and CPU: how many times as fast as the reference, which stands last, and
how much of its CPU time, servers included.`;

/** The table of a benchmark: medians, with the least and the greatest of the wall times; and how it compares. */
export function formatResults(results: readonly Result[]): string {
  const numbers = ['rows', 'wall s', 'min–max', 'CPU s', 'servers', 'MB', 'all MB', 'speed', 'CPU'];
  const columns = [
    { name: 'subject' },
    ...numbers.map((name) => ({ name, align: 'right' as const })),
    { name: '' },
  ];
  const reference = results.find(({ isReference }) => isReference);
  return formatTable(
    columns,
    results.map((result) => rowOf(result, result === reference ? undefined : reference)),
  ).join('\n');
}

function rowOf({ subject, rows, summary, note = '' }: Result, reference: Result | undefined): string[] {
  const { seconds, clientCpu, serverCpu, largestProcess, allProcesses } = summary;
  const megabytes = ({ median }: Spread) => (median === 0 ? '' : (median / 2 ** 20).toFixed(0));
  return [
    ...[subject, rows.toLocaleString('en')],
    ...[seconds.median.toFixed(2), `${seconds.min.toFixed(2)}–${seconds.max.toFixed(2)}`],
    ...[clientCpu, serverCpu].map(({ median }) => (median === 0 ? '' : median.toFixed(2))),
    ...[megabytes(largestProcess), megabytes(allProcesses)],
    ...(reference === undefined ? ['', ''] : comparisonOf(summary, reference.summary)),
    note,
  ];
}

function comparisonOf(own: Result['summary'], reference: Result['summary']): [string, string] {
  const cpuOf = ({ clientCpu, serverCpu }: Result['summary']) => clientCpu.median + serverCpu.median;
  return [
    (reference.seconds.median / own.seconds.median).toFixed(2),
    (cpuOf(own) / cpuOf(reference)).toFixed(2),
  ];
}
