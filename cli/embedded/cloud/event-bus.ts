import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { PutEventsRequestEntry } from '@aws-sdk/client-eventbridge';
import { isDiskFull } from '../machine/disk-full.ts';
import { JsonServiceError, type Operation } from './json-service.ts';

/** One event as it was put. */
export type PutEventsEntry = PutEventsRequestEntry;

/** An entry on the wire and in the file: Time is seconds since 1970. */
type WireEntry = Omit<PutEventsEntry, 'Time'> & { Time?: number };

const maxKept = 1000;
const maxEntriesPerRequest = 10;

/** EventBridge without targets: what was put is kept, for people and tests to look at. */
export class EventBus {
  readonly #path: string;
  readonly #recent: PutEventsEntry[] = [];

  readonly operations: Readonly<Record<string, Operation>> = {
    'AWSEvents.PutEvents': (input) => this.#put(input),
  };

  readonly #onDiskFull: (error: unknown) => void;

  /**
   * @param dataDir gets events.ndjson, to which every accepted entry is appended
   * @param onDiskFull called before an entry fails because the disk is full
   */
  constructor(dataDir: string, onDiskFull: (error: unknown) => void = () => {}) {
    this.#onDiskFull = onDiskFull;
    this.#path = join(dataDir, 'events.ndjson');
    if (!fs.existsSync(this.#path)) return;
    const text = fs.readFileSync(this.#path, 'utf8');
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    // A kill may have cut the last line short.
    if (whole !== text) fs.truncateSync(this.#path, Buffer.byteLength(whole));
    for (const line of whole.split('\n').slice(-maxKept - 1, -1)) this.#keep(JSON.parse(line) as WireEntry);
  }

  /** The last 1000, oldest first. */
  recent(): readonly PutEventsEntry[] {
    return [...this.#recent];
  }

  #put({ Entries }: Parameters<Operation>[0]): object {
    if (!Array.isArray(Entries) || Entries.length < 1 || Entries.length > maxEntriesPerRequest) {
      throw new JsonServiceError('ValidationException', 'Entries must have 1 to 10 members');
    }
    const results = (Entries as WireEntry[]).map((entry) => this.#accept(entry));
    return {
      FailedEntryCount: results.filter((result) => 'ErrorCode' in result).length,
      Entries: results,
    };
  }

  #accept(entry: WireEntry): object {
    for (const field of ['Source', 'DetailType', 'Detail'] as const) {
      if (!entry[field]) {
        return {
          ErrorCode: 'InvalidArgument',
          ErrorMessage: `Parameter ${field} is not valid. Reason: ${field} is a required argument.`,
        };
      }
    }
    if (!isJsonObject(entry.Detail)) {
      return { ErrorCode: 'MalformedDetail', ErrorMessage: 'Detail is malformed.' };
    }
    const EventId = randomUUID();
    this.#append(`${JSON.stringify({ Time: Date.now() / 1000, ...entry, EventId })}\n`);
    this.#keep(entry);
    return { EventId };
  }

  #append(line: string): void {
    const bytes = fs.existsSync(this.#path) ? fs.statSync(this.#path).size : 0;
    try {
      fs.appendFileSync(this.#path, line);
    } catch (error) {
      // The next line would follow the half of this one.
      if (fs.existsSync(this.#path)) fs.truncateSync(this.#path, bytes);
      if (isDiskFull(error)) this.#onDiskFull(error);
      throw error;
    }
  }

  #keep({ Time, ...entry }: WireEntry): void {
    this.#recent.push(Time === undefined ? entry : { ...entry, Time: new Date(Time * 1000) });
    if (this.#recent.length > maxKept) this.#recent.shift();
  }
}

function isJsonObject(text: string | undefined): boolean {
  try {
    const parsed: unknown = JSON.parse(text ?? '');
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed);
  } catch {
    return false;
  }
}
