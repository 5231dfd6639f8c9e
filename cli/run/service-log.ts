/** A line that repeats is printed again once nothing has said the same for so long. */
const forgottenAfterMs = 15 * 60_000;

/**
 * Makes the printer of the services' log. Of lines that say the same of one table it prints the first; what a database
 * refuses is printed as its outage.
 *
 * @param now milliseconds of a clock that nobody sets
 */
export function makeServiceLog(
  info: (line: string) => void,
  now: () => number = () => performance.now(),
): (line: string) => void {
  const saidAt = new Map<string, number>();
  return (line) => {
    if (isReportedByCommand(line) || isToldAsOutage(line)) return;
    const text = formatServiceLog(line);
    // The same refusal of the next message, and of the next attempt.
    const subject = subjectOf(line) ?? text;
    const last = saidAt.get(subject);
    saidAt.set(subject, now());
    if (last !== undefined && now() - last < forgottenAfterMs) return;
    info(text);
    for (const [known, at] of saidAt) if (now() - at >= forgottenAfterMs) saidAt.delete(known);
  };
}

/** A refusal by one of the databases, not by whoever holds a lock. */
function isToldAsOutage(line: string): boolean {
  const entry = parseEntry(line);
  if (entry === undefined || !isRefusal(entry)) return false;
  return !/is locked by|SQLSTATE 55P03/.test(reasonOf(entry) ?? '');
}

const isRefusal = ({ message }: Record<string, unknown>): boolean => String(message).startsWith('refused');

/** @returns what a line of a refusal is about, without how often it was tried; undefined of any other line */
function subjectOf(line: string): string | undefined {
  const entry = parseEntry(line);
  if (entry === undefined || !isRefusal(entry)) return undefined;
  return [entry.service, entry.table, reasonOf(entry)].join(' ');
}

function reasonOf({ error }: Record<string, unknown>): string | undefined {
  return isObject(error) && typeof error.message === 'string' ? error.message : undefined;
}

/**
 * Whether the command itself reports what the line says: it ends with the reason why a plan failed, and its report
 * lists every dead letter and every census that is held.
 */
export function isReportedByCommand(line: string): boolean {
  const entry = parseEntry(line);
  if (entry?.message === 'a census is held') return true;
  if (entry?.level !== 'ERROR') return false;
  return entry.service === 'starlift-plan' || /dead-letter queue/.test(String(entry.message));
}

/**
 * Formats a line of a service's log for a person. A line that is not one of ours is returned unchanged.
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
  const reason = reasonOf({ error });
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
