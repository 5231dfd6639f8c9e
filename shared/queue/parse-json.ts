import { TerminalError } from '../errors.ts';

/** @throws {TerminalError} the body is not a JSON object */
export function parseJsonObject(body: string): Record<string, unknown> {
  const value = parse(body);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TerminalError('the message is not a JSON object');
  }
  return value as Record<string, unknown>;
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (cause) {
    throw new TerminalError('the message is not JSON', { cause });
  }
}
