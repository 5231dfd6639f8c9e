import pg from 'pg';
import { editInPlace, makeRandom, type Random, sell, statements } from './concurrent-statements.ts';

/** How often each thing that capture has to survive has really happened. */
export type Tally = Record<
  'commits' | 'rollbacks' | 'savepoints' | 'prepared' | 'long' | 'serialization' | 'inPlace',
  number
>;

export interface Writers {
  tally: Tally;
  /** Holds a transaction open until the function that it gives is called. */
  beginLong(): Promise<() => Promise<void>>;
  /** Ends what was prepared by now: a commit or a rollback that is late by a run. */
  endPrepared(): Promise<void>;
  /** Ends every session at a transaction's end; what was prepared is committed or rolled back. */
  stop(): Promise<void>;
}

const serializationFailures = new Set(['40001', '40P01']);
/** What a prepared transaction has locked nobody waits for: it may stay for a run or two. */
const lockTimeout = '55P03';
let prepared = 0;

/** Starts sessions that write to the shop at the same time and in each other's way, until they are stopped. */
export function startWriters(url: string, sessions: number, seed: number): Writers {
  const tally = {
    commits: 0,
    rollbacks: 0,
    savepoints: 0,
    prepared: 0,
    long: 0,
    serialization: 0,
    inPlace: 0,
  };
  const stopping = new AbortController();
  const working = Array.from({ length: sessions }, (_, index) =>
    write(url, makeRandom(seed * 1000 + index * 77), tally, stopping.signal),
  );
  return {
    tally,
    beginLong: () => {
      tally.long++;
      return beginLong(url, makeRandom(seed + tally.long));
    },
    endPrepared: () => endPrepared(url),
    stop: async () => {
      stopping.abort();
      await Promise.all(working);
      await endPrepared(url);
    },
  };
}

/** A transaction that writes now, in pieces, and is over only when the function that comes back is called. */
async function beginLong(url: string, random: Random): Promise<() => Promise<void>> {
  const client = new pg.Client(url);
  await client.connect();
  await client.query(`begin; ${sell(random)}; savepoint a; ${sell(random)}; savepoint b; ${sell(random)}`);
  await client.query(random(2) === 0 ? 'rollback to b' : 'release b');
  return async () => {
    await client.query(`${sell(random)}; commit`);
    await client.end();
  };
}

async function write(url: string, random: Random, tally: Tally, signal: AbortSignal): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  await client.query("set lock_timeout = '100ms'");
  try {
    while (!signal.aborted) await writeOnce(client, random, tally);
  } finally {
    await client.end();
  }
}

/** One transaction of a few statements, some under savepoints, with one of several ends. */
async function writeOnce(client: pg.Client, random: Random, tally: Tally): Promise<void> {
  try {
    await client.query(`begin isolation level ${random(3) === 0 ? 'serializable' : 'read committed'}`);
    for (let n = 1 + random(6); n > 0; n--) await change(client, random, tally);
    await end(client, random, tally);
  } catch (error) {
    await client.query('rollback');
    const code = String((error as { code?: unknown }).code);
    if (serializationFailures.has(code)) tally.serialization++;
    else if (code !== lockTimeout) throw error;
  }
}

async function change(client: pg.Client, random: Random, tally: Tally): Promise<void> {
  const hasSavepoint = random(3) === 0;
  if (hasSavepoint) await client.query('savepoint s');
  const statement = statements[random(statements.length)] ?? sell;
  await client.query(statement(random));
  if (statement === editInPlace) tally.inPlace++;
  if (!hasSavepoint) return;
  tally.savepoints++;
  await client.query(random(3) === 0 ? 'rollback to s' : 'release s');
}

async function end(client: pg.Client, random: Random, tally: Tally): Promise<void> {
  const way = random(20);
  if (way === 0) {
    await client.query(`prepare transaction 'p${++prepared}'`);
    tally.prepared++;
    return;
  }
  await client.query(way < 4 ? 'rollback' : 'commit');
  tally[way < 4 ? 'rollbacks' : 'commits']++;
}

async function endPrepared(url: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  const { rows } = await client.query<{ gid: string }>('select gid from pg_prepared_xacts order by prepared');
  for (const [index, { gid }] of rows.entries()) {
    await client.query(`${index % 2 === 0 ? 'commit' : 'rollback'} prepared '${gid}'`);
  }
  await client.end();
}
