import { setTimeout as delay } from 'node:timers/promises';
import { makeOutageNotes, noteAnswer } from '../../shared/handler/note-retries.ts';
import { type Outage, readOutage, type Side } from '../../shared/records/outages.ts';
import { formatDuration, formatTime } from '../terminal/time.ts';

export interface OutageWatchDeps extends Pick<Parameters<typeof noteAnswer>[1], 'ingested' | 'notify'> {
  /** Connects to the side, and ends the connection. Rejects where it refuses. */
  ask(side: Side): Promise<void>;
  /** Makes messages that wait for the side visible at once. */
  wake(side: Side): void;
  info(line: string): void;
  now?: () => Date;
  /** Milliseconds of a clock that nobody sets. */
  monotonicNow?: () => number;
}

export interface OutageWatch {
  /** Looks whether a side refuses or answers again, and prints it. */
  look(): Promise<void>;
  /** Whether a side's outage has been printed and not its end. */
  isOut(side: Side): boolean;
  /**
   * Whether it was out at some time since then, which was printed: what has failed meanwhile says no more.
   *
   * @param since milliseconds of the monotonic clock
   */
  wasOut(side: Side, since: number): boolean;
  /** Notes that a side refuses this process, and prints that: no function may have work for it. */
  noteRefusal(side: Side, reason: string): Promise<void>;
}

interface SideState {
  /** What was printed; undefined where nothing is out. */
  told: Outage | undefined;
  /** By the monotonic clock. */
  askAt: number;
  pauseMs: number;
  endedAt: number;
}

const sides: readonly Side[] = ['source', 'warehouse'];
const firstPauseMs = 1000;
/** Each question is a login that the server may refuse and log. */
const longestPauseMs = 5000;
/** A side that refuses so soon after it answered is asked ever less often: it takes one connection and refuses many. */
const flappingWithinMs = 10_000;
const longestFlappingPauseMs = 60_000;

/**
 * Makes the watch over outages that handlers and plans note below `state/outages/`. It prints the beginning and the end of
 * each once. It also asks a side that is out, because a message that would find out may wait for minutes, and whoever noted
 * the outage may be dead.
 */
export function makeOutageWatch(deps: OutageWatchDeps): OutageWatch {
  const { ingested, info, wake, monotonicNow = () => performance.now() } = deps;
  const states = new Map<Side, SideState>();
  const stateOf = (side: Side): SideState => {
    const known = states.get(side) ?? {
      told: undefined,
      askAt: 0,
      pauseMs: firstPauseMs,
      endedAt: Number.NEGATIVE_INFINITY,
    };
    states.set(side, known);
    return known;
  };

  const tellBegin = (state: SideState, outage: Outage): void => {
    if (state.told?.since === outage.since) return;
    state.told = outage;
    info(`! the ${outage.side} refuses: ${outage.reason}, since ${formatTime(outage.since)}; waiting`);
  };
  /**
   * An outage whose beginning was not printed is one that an earlier run has printed, or one that was over before anybody
   * looked: a message that was refused before the last end may note it late.
   */
  const tellEnd = (side: Side, state: SideState, outage: Outage | undefined): void => {
    const isOfEarlierRun = state.told === undefined && state.endedAt === Number.NEGATIVE_INFINITY;
    const since = state.told?.since ?? (isOfEarlierRun ? outage?.since : undefined);
    state.told = undefined;
    state.endedAt = monotonicNow();
    wake(side);
    if (since === undefined) return;
    const endedAt = outage?.endedAt ?? (deps.now ?? (() => new Date()))().toISOString();
    info(`The ${side} is back after ${formatDuration((Date.parse(endedAt) - Date.parse(since)) / 1000)}.`);
  };

  const lookAt = async (side: Side): Promise<void> => {
    const state = stateOf(side);
    const outage = await readOutage(ingested, side);
    if (outage === undefined || outage.endedAt !== undefined) {
      if (state.told !== undefined) tellEnd(side, state, outage);
      return;
    }
    if (state.told === undefined) {
      const isFlapping = monotonicNow() - state.endedAt < Math.max(flappingWithinMs, 2 * state.pauseMs);
      state.pauseMs = isFlapping ? Math.min(2 * state.pauseMs, longestFlappingPauseMs) : firstPauseMs;
      state.askAt = isFlapping ? monotonicNow() + state.pauseMs : 0;
    }
    if (!canBeAsked(outage) || monotonicNow() < state.askAt || !(await answers(side, deps))) {
      if (monotonicNow() >= state.askAt) state.askAt = monotonicNow() + nextPause(state);
      tellBegin(state, outage);
      return;
    }
    await noteAnswer(side, { ingested, notify: deps.notify, logger: silentLogger });
    tellEnd(side, state, await readOutage(ingested, side));
  };
  return {
    look: async () => {
      for (const side of sides) await lookAt(side);
    },
    isOut: (side) => states.get(side)?.told !== undefined,
    wasOut: (side, since) => {
      const state = states.get(side);
      return state !== undefined && (state.told !== undefined || state.endedAt >= since);
    },
    noteRefusal: async (side, reason) => {
      const notes = { ingested, notify: deps.notify, logger: silentLogger };
      await makeOutageNotes(side, notes).begin(reason);
      await lookAt(side);
    },
  };
}

function nextPause(state: SideState): number {
  if (state.pauseMs < longestPauseMs) state.pauseMs = Math.min(2 * state.pauseMs, longestPauseMs);
  return state.pauseMs;
}

const silentLogger = { error: () => {} };

/** A full disk takes logins: only a load that is done shows that there is room again. */
const canBeAsked = ({ reason }: Outage): boolean => !reason.includes('SQLSTATE 53100');

const answerWithinMs = 3000;

async function answers(side: Side, { ask }: OutageWatchDeps): Promise<boolean> {
  const asked = ask(side).then(
    () => true,
    () => false,
  );
  return Promise.race([asked, delay(answerWithinMs, false, { ref: false })]);
}
