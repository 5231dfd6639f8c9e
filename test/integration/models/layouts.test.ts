import { randomUUID } from 'node:crypto';
import { DeleteMessageCommand, ReceiveMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { replay, sendReplay } from '../../../cli/replay/replay.ts';
import {
  type ColumnDefinition,
  defineFact,
  int,
  type ModelDefinition,
  type SourceDefinition,
  timestamp,
  varchar,
} from '../../../shared/model/define.ts';
import { assembleModel } from '../../../shared/model/model.ts';
import { formatModelReplay } from '../../../shared/queue/model-replay.ts';
import type { QueueKind } from '../../../shared/queue/queue-settings.ts';
import { publishModel } from '../../../shared/records/published-model.ts';
import { type InlineRoad, startInlineRoad } from '../../helpers/inline-road/inline-road.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { seen } from '../../helpers/seen.ts';

const tables = `
  create table place (place_id int primary key, label text, note text);
  create table reading (id int primary key, a int, b int, place_id int, other_id int, changed timestamp not null);
  insert into place values (1, 'North', 'cold'), (2, 'South', 'warm');
  insert into reading values (1, 10, 20, 1, 2, '2024-01-01')`;

const optional = { nullable: true };
const place = (match: Record<string, string>, columns: SourceDefinition['columns']) => ({
  path: 'place',
  table: 'place',
  match,
  columns,
});

/** The fact of the readings; each part may be another one. */
function modelOf({
  fields = { a: 'int4?', b: 'int4?' },
  near = { place_id: 'int4?', other_id: 'int4?' },
  join = place({ place_id: 'place_id' }, { label: 'varchar?', note: 'varchar?' }),
  made = { x: int('a', optional), y: int('b', optional), label: varchar('place.label', optional) },
}: {
  fields?: SourceDefinition['columns'];
  near?: SourceDefinition['columns'];
  join?: ReturnType<typeof place>;
  made?: Record<string, ColumnDefinition>;
} = {}): ModelDefinition {
  return {
    name: 'readings',
    tables: [
      defineFact({
        name: 'fact_reading',
        source: {
          table: 'reading',
          key: ['id'],
          columns: { id: 'int4', ...fields, ...near, changed: 'timestamp' },
          joins: [join],
        },
        key: ['id'],
        versions: ['changed'],
        columns: { id: int('id'), changed: timestamp('changed'), ...made },
      }),
    ],
  };
}

const older = modelOf();

interface Scenario {
  title: string;
  /** Of the source. */
  change: string;
  /** The last version of the row. */
  update: string;
  next: ModelDefinition;
  /** x, y and label of each version. */
  versions: (string | null)[][];
}

const updated = "update reading set a = 12, b = 22, changed = '2024-01-03'";
const scenarios: Scenario[] = [
  {
    title: 'a renamed column keeps the values of every older version',
    change: 'alter table reading rename a to amount',
    update: "update reading set amount = 12, b = 22, changed = '2024-01-03'",
    next: modelOf({
      fields: { amount: 'int4?', b: 'int4?' },
      made: { x: int('amount', optional), y: int('b', optional), label: varchar('place.label', optional) },
    }),
    versions: [
      ['10', '20', 'North'],
      ['11', '21', 'South'],
      ['12', '22', 'South'],
    ],
  },
  {
    title: 'a new column with the name of one that was dropped does not get its values',
    change: 'alter table reading drop column a; alter table reading add column a int',
    update: updated,
    next: older,
    versions: [
      [null, '20', 'North'],
      [null, '21', 'South'],
      ['12', '22', 'South'],
    ],
  },
  {
    title: 'a column that takes the name of a dropped one keeps its own values',
    change: 'alter table reading drop column a; alter table reading rename b to a',
    update: "update reading set a = 12, changed = '2024-01-03'",
    next: modelOf({
      fields: { a: 'int4?' },
      made: { x: int('a', optional), label: varchar('place.label', optional) },
    }),
    // The column y is gone from the model, and keeps what was loaded.
    versions: [
      ['20', '20', 'North'],
      ['21', '21', 'South'],
      ['12', null, 'South'],
    ],
  },
  {
    title: 'two columns that swap names in source and model keep their values',
    change: `alter table reading rename a to c; alter table reading rename b to a;
      alter table reading rename c to b`,
    update: "update reading set b = 12, a = 22, changed = '2024-01-03'",
    next: modelOf({
      made: { x: int('b', optional), y: int('a', optional), label: varchar('place.label', optional) },
    }),
    versions: [
      ['10', '20', 'North'],
      ['11', '21', 'South'],
      ['12', '22', 'South'],
    ],
  },
  {
    title: 'two columns that swap names in the source alone swap values in every version',
    change: `alter table reading rename a to c; alter table reading rename b to a;
      alter table reading rename c to b`,
    update: updated,
    next: older,
    versions: [
      ['20', '10', 'North'],
      ['21', '11', 'South'],
      ['12', '22', 'South'],
    ],
  },
  {
    title: 'a table that was made anew, with its columns in another order, is read by name',
    change: `create table copy as select id, b, a, other_id, place_id, changed from reading;
      drop table reading; alter table copy rename to reading;
      alter table reading add primary key (id), alter changed set not null`,
    update: updated,
    next: older,
    versions: [
      ['10', '20', 'North'],
      ['11', '21', 'South'],
      ['12', '22', 'South'],
    ],
  },
  {
    title: 'a new column is null in older versions',
    change: 'alter table reading add column c int',
    update: "update reading set c = 12, b = 22, changed = '2024-01-03'",
    next: modelOf({
      fields: { a: 'int4?', b: 'int4?', c: 'int4?' },
      made: { x: int('c', optional), y: int('b', optional), label: varchar('place.label', optional) },
    }),
    versions: [
      [null, '20', 'North'],
      [null, '21', 'South'],
      ['12', '22', 'South'],
    ],
  },
  {
    title: 'a renamed column of a joined table keeps its values, and one that takes its name has its own',
    change: 'alter table place rename label to title; alter table place rename note to label',
    update: updated,
    next: modelOf({
      join: place({ place_id: 'place_id' }, { label: 'varchar?', title: 'varchar?' }),
      made: {
        x: int('a', optional),
        y: int('b', optional),
        label: varchar('place.title', optional),
        note: varchar('place.label', optional),
      },
    }),
    versions: [
      ['10', '20', 'North'],
      ['11', '21', 'South'],
      ['12', '22', 'South'],
    ],
  },
  {
    title: 'a renamed column that a join goes by leads to the same values',
    change: 'alter table reading rename place_id to spot_id',
    update: updated,
    next: modelOf({
      near: { spot_id: 'int4?', other_id: 'int4?' },
      join: place({ spot_id: 'place_id' }, { label: 'varchar?', note: 'varchar?' }),
    }),
    versions: [
      ['10', '20', 'North'],
      ['11', '21', 'South'],
      ['12', '22', 'South'],
    ],
  },
  {
    title: 'a join that goes by another column of the same name in the model is another one',
    change: 'select',
    update: updated,
    next: modelOf({ join: place({ other_id: 'place_id' }, { label: 'varchar?', note: 'varchar?' }) }),
    versions: [
      ['10', '20', null],
      ['11', '21', null],
      ['12', '22', 'South'],
    ],
  },
];

/** A source with two versions of a reading, each captured in a run of its own. */
class ReadingsRoad {
  readonly road: InlineRoad;
  readonly #source: pg.Client;
  readonly #warehouse: pg.Client;
  readonly #connectWarehouse: () => Promise<pg.Client>;

  private constructor(
    road: InlineRoad,
    source: pg.Client,
    connectWarehouse: () => Promise<pg.Client>,
    warehouse: pg.Client,
  ) {
    this.road = road;
    this.#source = source;
    this.#warehouse = warehouse;
    this.#connectWarehouse = connectWarehouse;
  }

  static async start(server: PostgresServer): Promise<ReadingsRoad> {
    const name = randomUUID();
    const sourceUrl = await server.createDatabase(`source ${name}`);
    const warehouseUrl = await server.createDatabase(`warehouse ${name}`);
    const connect = async (url: string) => {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      return client;
    };
    const source = await connect(sourceUrl);
    await source.query(tables);
    const road = await startInlineRoad({
      sourceUrl,
      warehouseUrl,
      definition: older,
      environments: { extract: 1, transform: 1, load: 1 },
    });
    const connectWarehouse = () => connect(warehouseUrl);
    return new ReadingsRoad(road, source, connectWarehouse, await connectWarehouse());
  }

  async change(sql: string): Promise<void> {
    await this.#source.query(sql);
  }

  async captureTwoVersions(): Promise<void> {
    await this.road.run();
    await this.secondVersion();
    await this.road.run();
  }

  secondVersion(): Promise<void> {
    return this.change("update reading set a = 11, b = 21, place_id = 2, changed = '2024-01-02'");
  }

  get #site(): Parameters<typeof replay>[0] {
    const { ingested, processed, clients, queueUrl } = this.road;
    const connectWarehouse = this.#connectWarehouse;
    return { ingested, processed, sqs: clients.sqs, queueUrl, connectWarehouse };
  }

  /** Sends all ingested objects to be transformed by the model once more. */
  async replay(definition: ModelDefinition): Promise<number> {
    const { tables: replayed } = await replay(this.#site, assembleModel(definition), {
      zone: 'ingested',
      tables: { sources: ['reading'], tables: ['fact_reading'] },
    });
    return replayed.reduce((sum, { objects }) => sum + objects, 0);
  }

  async sendAgain(definition: ModelDefinition, id: string): Promise<void> {
    const keys = await this.listKeys('ingested', 'reading/');
    await sendReplay(this.#site, assembleModel(definition), { zone: 'ingested', id, keys, now: new Date() });
  }

  async takeMessages(kind: QueueKind): Promise<string[]> {
    const { clients, queueUrl } = this.road;
    const QueueUrl = queueUrl(kind);
    const receive = new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 });
    const { Messages = [] } = await clients.sqs.send(receive);
    for (const { ReceiptHandle } of Messages) {
      await clients.sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    }
    return Messages.map(({ Body = '' }) => Body);
  }

  async send(kind: QueueKind, MessageBody: string): Promise<void> {
    const { clients, queueUrl } = this.road;
    await clients.sqs.send(new SendMessageCommand({ QueueUrl: queueUrl(kind), MessageBody }));
  }

  async listKeys(zone: 'ingested' | 'processed', prefix: string): Promise<string[]> {
    const keys: string[] = [];
    for await (const { key } of this.road[zone].list(prefix)) keys.push(key);
    return keys;
  }

  async versions(): Promise<(string | null)[][]> {
    const { rows } = await this.#warehouse.query<(string | null)[]>({
      text: 'select x::text, y::text, label from fact_reading order by changed',
      rowMode: 'array',
    });
    return rows;
  }

  /** Of dead letters and of files in quarantine. */
  async countTroubles(): Promise<number> {
    const files = await this.listKeys('processed', 'quarantine/');
    return files.length + (await this.road.deadLetters()).length;
  }

  /** Puts every ingested object again as an earlier version of Starlift did. */
  async dropLayouts(): Promise<number> {
    const { ingested } = this.road;
    let dropped = 0;
    for (const key of await this.listKeys('ingested', 'reading/')) {
      const object = await ingested.get(key);
      if (object === undefined) throw new Error(key);
      const { layout, ...metadata } = object.metadata;
      if (layout !== undefined) dropped++;
      await ingested.delete(key);
      await ingested.create(key, object.body, metadata);
    }
    return dropped;
  }

  async end(): Promise<void> {
    await this.road.end();
    await Promise.all([this.#source.end(), this.#warehouse.end()]);
  }
}

let server: PostgresServer;
beforeAll(async () => {
  server = await startTemporaryPostgres();
});
afterAll(() => server?.stop());

/** The work has a road of its own. */
async function withReadings(work: (readings: ReadingsRoad) => Promise<void>): Promise<void> {
  const readings = await ReadingsRoad.start(server);
  try {
    await work(readings);
  } finally {
    await readings.end();
  }
}

describe('an ingested object that is transformed again after its table has changed', () => {
  it.each(scenarios)('$title', ({ change, update, next, versions }) =>
    withReadings(async (readings) => {
      await readings.captureTwoVersions();
      await readings.change(change);
      await publishModel(readings.road.ingested, next);
      await readings.change(update);
      await readings.road.run();
      // Two of the older layout, and what the change made to be extracted.
      expect(await readings.replay(next)).toBeGreaterThanOrEqual(3);
      await readings.road.settle();
      expect(await readings.versions()).toEqual(versions);
      expect(await readings.countTroubles()).toBe(0);
    }),
  );
});

const [renamed] = scenarios as [Scenario];

describe('a renamed column', () => {
  it('keeps its values where the replay is sent before a plan has seen the new name', () =>
    withReadings(async (readings) => {
      await readings.captureTwoVersions();
      await readings.change(renamed.change);
      await publishModel(readings.road.ingested, renamed.next);
      // As a load does that knows the new model. It makes the transform look for it.
      await readings.sendAgain(renamed.next, formatModelReplay(2));
      readings.road.start('transform');
      await seen(async () => (await readings.listKeys('ingested', 'state/retrying/transform/')).length > 0);
      await readings.change(renamed.update);
      await readings.road.run();
      expect(await readings.versions()).toEqual(renamed.versions);
      expect(await readings.countTroubles()).toBe(0);
    }));

  it('keeps the values of a version that was on its way, and that the source no longer has', () =>
    withReadings(async (readings) => {
      await readings.road.run();
      await readings.road.stop('transform');
      await readings.secondVersion();
      await readings.road.plan();
      await readings.road.settle('extract');
      const [late = ''] = await readings.takeMessages('transform');
      await readings.change(renamed.change);
      await publishModel(readings.road.ingested, renamed.next);
      await readings.change(renamed.update);
      await readings.road.run();
      await readings.send('transform', late);
      await readings.road.settle();
      expect((await readings.versions()).slice(1)).toEqual(renamed.versions.slice(1));
      expect(await readings.countTroubles()).toBe(0);
    }));

  it('keeps its values after the table could not be read for a while', () =>
    withReadings(async (readings) => {
      await readings.captureTwoVersions();
      await readings.change(renamed.change);
      // The model in force has the old name: the table fails.
      expect((await readings.road.plan()).failures).toMatchObject([{ table: 'reading' }]);
      await readings.road.settle();
      await publishModel(readings.road.ingested, renamed.next);
      await readings.change(renamed.update);
      await readings.road.run();
      await readings.replay(renamed.next);
      await readings.road.settle();
      expect(await readings.versions()).toEqual(renamed.versions);
    }));
});

describe('an object without a layout, as an earlier version has put it', () => {
  it('is read by name', () =>
    withReadings(async (readings) => {
      await readings.captureTwoVersions();
      const before = await readings.versions();
      expect(await readings.dropLayouts()).toBe(2);
      expect(await readings.replay(older)).toBe(2);
      await readings.road.settle();
      expect(before).toEqual([
        ['10', '20', 'North'],
        ['11', '21', 'South'],
      ]);
      expect(await readings.versions()).toEqual(before);
      expect(await readings.countTroubles()).toBe(0);
    }));
});
