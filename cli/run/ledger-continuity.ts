import type pg from 'pg';
import type { ObjectStore } from '../../shared/object-store/object-store.ts';
import { makeResyncRequest, putResyncRequest } from '../../shared/records/resync-request.ts';
import { checkContinuity, describeGap, rememberLedger } from '../../shared/warehouse/continuity.ts';
import { forwardResyncs } from '../../shared/warehouse/resync.ts';

export interface ContinuityDeps {
  ingested: ObjectStore;
  /** Sends every object of any age again that the ledger lacks; returns how many. */
  sendMissing(): Promise<number>;
  info(line: string): void;
}

/**
 * Makes the check that the warehouse is the one that was loaded. If it has gone back, for example by a restore, what it
 * lacks is sent again and the next plan reads the source in full; otherwise its state is remembered.
 *
 * @returns the check, which may be called any number of times, with any connection to the warehouse
 */
export function makeContinuityCheck(deps: ContinuityDeps): (warehouse: pg.ClientBase) => Promise<void> {
  const { ingested, sendMissing, info } = deps;
  let mended: string | undefined;
  return async (warehouse) => {
    if ((await forwardResyncs(warehouse, ingested)) > 0) {
      info(
        'The warehouse lost its ledger (schema starlift) and kept its rows: everything is read in full again.',
      );
    }
    const continuity = await checkContinuity(warehouse, ingested);
    const { gap, known } = continuity;
    // What was sent is loaded under ids of its own: the entry that was remembered never returns.
    if (gap === undefined || known?.etag === mended) {
      await rememberLedger(warehouse, ingested, continuity);
      return;
    }
    const description = describeGap(gap);
    await putResyncRequest(ingested, makeResyncRequest(description, new Date()));
    const sent = await sendMissing();
    mended = known?.etag;
    info(
      `${description.replace(/^t/, 'T')} (restored from a backup?). ` +
        `${sent === 1 ? '1 object is' : `${sent} objects are`} sent again, and everything is read in full.`,
    );
  };
}
