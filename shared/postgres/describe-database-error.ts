/** What pg says of an error that the server reported; `severity` is what no other error has. */
interface ServerError {
  message: string;
  code: string;
  severity: string;
}

export function isServerError(error: unknown): error is ServerError {
  const { message, code, severity } = (error ?? {}) as Partial<Record<keyof ServerError, unknown>>;
  return typeof message === 'string' && typeof code === 'string' && severity !== undefined;
}

/**
 * A server's error in its own words, with the SQLSTATE that an operator can look up, and without a row's values:
 * Postgres puts these into DETAIL and CONTEXT, which are left out, and into the messages of class 22 (data
 * exceptions), between quotes.
 */
export function describeServerError({ message, code }: ServerError): string {
  const text = code.startsWith('22') ? message.replace(/".*"/s, '"…"') : message;
  return `${text} (SQLSTATE ${code})`;
}
