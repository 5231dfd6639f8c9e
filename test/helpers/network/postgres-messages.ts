/** One message of Postgres' protocol, whole. */
export interface PostgresMessage {
  /** Its type byte; empty for the first message of a client, which has none. */
  type: string;
  bytes: Buffer;
}

const typeBytes = 1;
const lengthBytes = 4;
const sslRequestBytes = 8;
const sslRequestCode = 80_877_103;

/**
 * Splits one direction of an unencrypted connection into messages, however TCP has cut it.
 *
 * @see https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
export class MessageSplitter {
  #rest: Buffer = Buffer.alloc(0);
  #isFirst: boolean;
  #isBeginning = true;

  constructor(origin: 'client' | 'server') {
    this.#isFirst = origin === 'client';
  }

  /** @returns the messages that these bytes complete */
  push(bytes: Buffer): PostgresMessage[] {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const messages: PostgresMessage[] = [];
    for (let next = this.#take(); next !== undefined; next = this.#take()) messages.push(next);
    return messages;
  }

  #take(): PostgresMessage | undefined {
    if (this.#isAnswerToTls()) return this.#takeByte();
    const before = this.#isFirst ? 0 : typeBytes;
    if (this.#rest.length < before + lengthBytes) return undefined;
    const size = before + this.#rest.readInt32BE(before);
    if (this.#rest.length < size) return undefined;
    const bytes = this.#rest.subarray(0, size);
    this.#rest = this.#rest.subarray(size);
    const type = this.#isFirst ? '' : String.fromCharCode(bytes[0] ?? 0);
    // A client without TLS asks for it first, and then begins as if it had not.
    this.#isFirst &&= bytes.length === sslRequestBytes && bytes.readInt32BE(lengthBytes) === sslRequestCode;
    this.#isBeginning = this.#isFirst;
    return { type, bytes };
  }

  /** One byte, before anything else: the client waits for it. */
  #isAnswerToTls(): boolean {
    return this.#isBeginning && !this.#isFirst && this.#rest.length === 1 && this.#rest.toString() === 'N';
  }

  #takeByte(): PostgresMessage {
    const bytes = this.#rest;
    this.#rest = Buffer.alloc(0);
    this.#isBeginning = false;
    return { type: '', bytes };
  }
}

/** The text of a simple query or of a statement to be prepared; empty for any other message. */
export function readStatement({ type, bytes }: PostgresMessage): string {
  const text = bytes.subarray(typeBytes + lengthBytes);
  if (type === 'Q') return text.subarray(0, -1).toString();
  // The statement's name comes first.
  if (type === 'P') return text.subarray(text.indexOf(0) + 1).toString();
  return '';
}

/** An ErrorResponse. @param fields by their type byte: S and V severity, C SQLSTATE, M message */
export function formatError(fields: Record<string, string>): Buffer {
  const body = Buffer.from(
    `${Object.entries(fields)
      .map(([name, text]) => `${name}${text}\0`)
      .join('')}\0`,
  );
  const head = Buffer.alloc(5);
  head.write('E');
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}
