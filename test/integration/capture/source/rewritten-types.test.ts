import { beforeEach, describe, expect, it } from '@jest/globals';
import { defineIngestedOnly } from '../../../../shared/model/define.ts';
import { assembleModel } from '../../../../shared/model/model.ts';
import { calendar } from '../../../helpers/models/calendar.ts';
import { startTemporaryPostgres } from '../../../helpers/postgres/temporary-postgres.ts';
import { type CaptureBench, sourceRows } from '../capture-bench.ts';
import { benchInEachTest } from '../each-bench.ts';
import { latestRows } from '../ingested-rows.ts';

const model = assembleModel({
  name: 'test',
  tables: [
    calendar,
    defineIngestedOnly({
      table: 'guest',
      key: ['guest_id'],
      columns: { guest_id: 'int4', mood: 'varchar', moods: 'other', entry: 'other', spell: 'other' },
    }),
    defineIngestedOnly({
      table: 'home',
      key: ['home_id'],
      columns: { home_id: 'int4', places: 'other' },
    }),
    defineIngestedOnly({
      table: 'letter',
      key: ['letter_id'],
      columns: { letter_id: 'int4', guest_id: 'int4' },
      joins: [
        { path: 'guest', table: 'guest', match: { guest_id: 'guest_id' }, columns: { mood: 'varchar' } },
      ],
    }),
  ],
});

/** What the tables hold, written by the source. */
const contents = {
  guest: 'select guest_id, mood, moods::text, entry::text, spell::text from guest order by guest_id',
  home: 'select home_id, places::text from home order by home_id',
  letter: `select letter_id, letter.guest_id, mood as "guest.mood"
             from letter join guest using (guest_id) order by letter_id`,
};

describe('a type whose values the source writes in another way, though it writes no row', () => {
  let bench: CaptureBench;
  benchInEachTest(startTemporaryPostgres, (made) => {
    bench = made;
  });
  beforeEach(async () => {
    await bench.source.query(`
      create type mood as enum ('glad', 'sad');
      create domain moods as mood[];
      create type entry as (mood mood, at int);
      create type spell as range (subtype = mood);
      create type place as (street text, town text);
      create type address as (place place, floor int);
      create table guest (guest_id int primary key, mood mood, moods moods, entry entry, spell spell);
      create table home (home_id int primary key, places address[]);
      create table letter (letter_id int primary key, guest_id int references guest);
      insert into guest values (1, 'glad', '{glad,sad}', ('sad', 1), '[glad,sad]'), (2, 'sad', '{}', ('glad', 2), 'empty');
      insert into home values (1, array[row(row('High Street', 'Leeds'), 2)]::address[]);
      insert into letter values (1, 1), (2, 2)`);
    expect(await fullTables()).toEqual(['guest', 'home', 'letter']);
  });

  const fullTables = async () => {
    const { slices } = await bench.plan({ model });
    await bench.extractAll({ model });
    return slices.filter(({ full }) => full).map(({ table }) => table);
  };
  const expectExact = async (...tables: (keyof typeof contents)[]) => {
    for (const table of tables)
      expect(latestRows(bench.store, table, `${table}_id`)).toEqual(
        await sourceRows(bench.source, contents[table]),
      );
  };

  it('has the tables read in full whose enum has a renamed label, and not for a new label', async () => {
    await bench.source.query(`alter type mood add value 'tired' before 'glad'`);
    expect(await fullTables()).toEqual([]);
    await bench.source.query(`alter type mood rename value 'glad' to 'happy'`);
    expect(await fullTables()).toEqual(['guest', 'letter']);
    await expectExact('guest', 'home', 'letter');
    expect(await fullTables()).toEqual([]);
  });

  it('has the tables read in full whose composite type has another attribute', async () => {
    await bench.source.query('alter type place add attribute country text');
    expect(await fullTables()).toEqual(['home']);
    await expectExact('guest', 'home', 'letter');
    await bench.source.query('alter type address drop attribute floor');
    expect(await fullTables()).toEqual(['home']);
    await expectExact('home');
    expect(await fullTables()).toEqual([]);
  });
});
