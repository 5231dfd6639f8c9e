import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { runCommand } from '../../helpers/processes/inline-command.ts';
import { seen, seenRow } from '../../helpers/seen.ts';
import { ask, assertExact, optionsOf } from '../road.ts';
import { useWatchedRoad } from '../watched-road.ts';

const library = '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1';
const itWithFakeTime = existsSync(library) ? it : it.skip;

describe('a watch whose clock is set', () => {
  const watched = useWatchedRoad();

  itWithFakeTime.each([
    ['back by a day', '-1d'],
    ['forward by a day', '+1d'],
  ])('%s while a message waits for its retry goes on', async (_, offset) => {
    const { road } = watched;
    const clock = join(road.data, 'clock');
    await writeFile(clock, '+0');
    const watch = watched.startWatch({
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: clock,
      FAKETIME_NO_CACHE: '1',
      // Timers, and what is measured with them, are by the other clock.
      DONT_FAKE_MONOTONIC: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    });
    await seenRow(road.warehouse, 'select from dim_staff');
    await seen(() => watch.output().includes('Watching'));
    const locker = new pg.Client(road.warehouse);
    await locker.connect();
    await locker.query('begin; lock table dim_design in share row exclusive mode');
    await ask(road.source, `update design set design_name = 'waits ${offset}' where design_id = 1`);
    await seen(() => watch.output().includes('dim_design is locked by pid'));
    await writeFile(clock, offset);
    await locker.query('rollback');
    await locker.end();
    await seenRow(road.warehouse, `select from dim_design where design_name = 'waits ${offset}'`);
    await ask(road.source, `update staff set first_name = 'later ${offset}' where staff_id = 2`);
    await seenRow(road.warehouse, `select from dim_staff where first_name = 'later ${offset}'`);
    await watch.end('SIGINT');
    await assertExact(road);
    expect(await runCommand(['failures', ...optionsOf(road)])).toMatchObject({ code: 0 });
  });
});
