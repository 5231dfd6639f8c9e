import { formatTable } from '../../../cli/table.ts';
import type { Result } from '../benchmark.ts';
import type { Spread } from '../measure/summary.ts';
import type { Machine } from './machine.ts';

/** The table: medians, with the least and the greatest of the wall times; and how it compares. */
export function formatResults(results: readonly Result[], machine: Machine): string {
  const { processor, cores, memoryGiB, system, node, postgres } = machine;
  const numbers = ['rows', 'wall s', 'min–max', 'CPU s', 'servers', 'MB', 'all MB', 'speed', 'CPU'];
  const columns = [
    ...['benchmark', 'subject'].map((name) => ({ name })),
    ...numbers.map((name) => ({ name, align: 'right' as const })),
    { name: '' },
  ];
  const lines = formatTable(
    columns,
    results.map((result) => rowOf(result, referenceOf(result, results))),
  );
  return [
    `${processor}, ${cores} cores, ${memoryGiB} GiB, ${system}, Node ${node}, ${postgres}`,
    '',
    ...lines,
    '',
    'Medians. CPU s: of all processes but Postgres; servers: of both Postgres servers; MB: the largest process but',
    'Postgres, and all of them together. speed and CPU: how many times as fast as the reference, and how much of',
    'its CPU time, servers included.',
  ].join('\n');
}

function rowOf(
  { benchmark, subject, rows, summary, note = '' }: Result,
  reference: Result | undefined,
): string[] {
  const { seconds, clientCpu, serverCpu, largestProcess, allProcesses } = summary;
  const megabytes = ({ median }: Spread) => (median === 0 ? '' : (median / 2 ** 20).toFixed(0));
  return [
    ...[benchmark, subject, rows.toLocaleString('en')],
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

const referenceOf = ({ benchmark, isReference }: Result, results: readonly Result[]) =>
  isReference ? undefined : results.find((each) => each.benchmark === benchmark && each.isReference);
