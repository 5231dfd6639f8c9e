import { expect } from '@jest/globals';
import { queueKinds } from '../../../shared/queue/queue-settings.ts';
import { assertNotSilentlyWrong } from '../silence/status-evidence.ts';
import { noteWhole, settleCensuses } from '../world/censuses.ts';
import { type DeliveryOrder, deliverAll, planExactly, runOnce } from '../world/delivery.ts';
import {
  expectExact,
  expectNothingLeft,
  expectWholeHistory,
  findNews,
  type History,
  remember,
} from '../world/expectations.ts';
import type { Director } from '../world/invocation.ts';
import type { World } from '../world/world.ts';

/** The first run: a full load into a warehouse without tables. */
export async function loadInitially(world: World, director: Director, history: History): Promise<void> {
  await remember(history, world.source);
  await runOnce(world, director);
}

export interface Round {
  /** Its number in this world, from 1: what is new has ids of its own in every round. */
  round: number;
  history: History;
  /** Puts the messages of one look at a queue in the order of their delivery. */
  order: DeliveryOrder;
}

/**
 * Two runs on top: new rows and changed ones (under a new and under the old last_updated), changes of parents, a
 * transaction that commits after the plan although its rows are older, a row that breaks the contract, a table that
 * fails for good, a throttled call; and between the two, rows of a fact and of a dimension that are deleted.
 */
export async function runIncrementally(
  world: World,
  director: Director,
  { round, history, order }: Round,
): Promise<void> {
  const late = await world.connectToSource();
  try {
    await late.query(lateChanges(round));
    await world.source.query(changes(round));
    await remember(history, world.source);
    await runOnce(world, director, { delivery: throttlingOnce(director), order });
    // A row is in quarantine, and a table could not be read.
    expect(await assertNotSilentlyWrong(world.site, world)).toBe('told');
    await late.query('commit');
  } finally {
    await late.end();
  }
  await world.source.query(repairs(round));
  await remember(history, world.source);
  for (const kind of queueKinds) await world.queues.redrive(kind);
  await runOnce(world, director);
  await settleCensuses(world, {
    plan: () => planExactly(world, director),
    deliver: () => deliverAll(world, director),
  });
}

/** The keys of all tables: in every run after it only those are read of which rows were deleted. */
export async function takeFirstCensuses(world: World): Promise<void> {
  await noteWhole(world);
  const goOn: Director = () => 'go on';
  await runOnce(world, goOn);
  await settleCensuses(world, {
    plan: () => planExactly(world, goOn),
    deliver: () => deliverAll(world, goOn),
  });
}

/** Asserts that all has arrived, once, and that the next plan finds nothing new. */
export async function expectAllArrived(world: World, history: History): Promise<void> {
  await expectExact(world);
  await expectWholeHistory(world, history);
  await expectNothingLeft(world);
  const goOn: Director = () => 'go on';
  const planned = await planExactly(world, goOn);
  await deliverAll(world, goOn);
  expect(await findNews(world.ingested, planned)).toEqual([]);
}

/** The first call to S3 of a transform fails as S3 fails when it is asked too often: so a message goes back. */
function throttlingOnce(director: Director): Director {
  let isDue = true;
  return async (call) => {
    const verdict = await director(call);
    if (!isDue || verdict !== 'go on' || !call.name.startsWith('transform: GetObject')) return verdict;
    isDue = false;
    return 'fail once';
  };
}

const stamp = (round: number) => `timestamp '2024-09-01 12:00:00.000009' + ${round} * interval '1 day'`;
/** Before any change that was captured: a watermark on last_updated would never see these rows. */
const old = `timestamp '2020-01-01 00:00:00'`;

function lateChanges(round: number): string {
  const id = round * 100;
  return `
    begin;
    insert into sales_order values
      (${id + 50}, 1, 1, 1, 5, 5.55, 1, '2024-10-01', '2024-10-02', 1, ${old}, ${old});
    update counterparty set counterparty_legal_name = 'Late ${round}' where counterparty_id = 1`;
}

function changes(round: number): string {
  const id = round * 100;
  const now = stamp(round);
  const order = (at: number, design: number, delivery: string) =>
    `(${id + at}, ${design}, 2, 2, 1, 9.99, 2, '${delivery}', '2024-12-24', 2, ${now}, ${now})`;
  return `
    insert into design values (${id}, 'Design ${id}', '/designs', 'new.json', ${now}, ${now});
    insert into payment_type values (${id}, 'Type ${id}', ${now}, ${now});
    insert into sales_order values ${order(1, id, '2024-12-01')}, ${order(2, 1, '2024-12-02')}, ${order(3, id, 'soon')};
    insert into transaction values (${id + 1}, 'SALE', ${id + 1}, null, ${now}, ${now});
    insert into payment values
      (${id + 1}, ${id + 1}, 2, 12345.67, 2, ${id}, false, '2025-01-01', 1, 2, ${now}, ${now});
    insert into payment values
      (${id + 2}, ${id + 1}, 2, 1.25, 2, 1, false, '2025-01-02', 1, 2, ${now}, ${now});
    insert into address
      select ${id}, address_line_1, address_line_2, district, city, postal_code, country, phone, ${now}, ${now}
        from address where address_id = 1;
    update sales_order set units_sold = units_sold + 1, last_updated = ${now} where sales_order_id = 1;
    update sales_order set unit_price = unit_price + 1 where sales_order_id = 2;
    update payment set paid = not paid, last_updated = ${now} where payment_id in (1, 2);
    update department set department_name = 'Department of round ${round}' where department_id = 1;
    update address set phone = 'Phone ${round}', last_updated = ${now} where address_id = 2;
    revoke select on payment_type from reader`;
}

/** What a person does about a row that broke the contract, and about a table that failed; and deletes, which are counted at once. */
const repairs = (round: number): string => `
  delete from payment where payment_id = ${round * 100 + 2};
  delete from address where address_id = ${round * 100};
  select pg_stat_force_next_flush();
  update sales_order set agreed_delivery_date = '2024-12-03' where sales_order_id = ${round * 100 + 3};
  grant select on payment_type to reader`;
