/**
 * Whether the command reports itself what the line says: it ends with the reason why a plan failed, and its report
 * lists every dead letter.
 */
export function isReportedByCommand(line: string): boolean {
  const entry = parseEntry(line);
  if (entry?.level !== 'ERROR') return false;
  return entry.service === 'starlift-plan' || /dead-letter queue/.test(String(entry.message));
}

/**
 * A line of a service's log as a person reads it. What is no log line of ours is given as it is.
 *
 * @param line one JSON object of the services' logger, or any other line that a worker wrote
 * @example
 * formatServiceLog('{"level":"WARN","service":"starlift-load","message":"the message goes back to its queue",…}')
 * // 'load: the message goes back to its queue: fact_payment/…parquet: connect ECONNREFUSED'
 */
export function formatServiceLog(line: string): string {
  const entry = parseEntry(line);
  if (entry === undefined) return line;
  const { service, message, key, table, error } = entry;
  const stage = String(service ?? 'service').replace(/^starlift-/, '');
  const reason = isObject(error) ? error.message : undefined;
  return [stage, message, key ?? table, reason]
    .filter((part) => typeof part === 'string' && part !== '')
    .join(': ');
}

function parseEntry(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const entry: unknown = JSON.parse(line);
    return isObject(entry) && typeof entry.message === 'string' ? entry : undefined;
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
