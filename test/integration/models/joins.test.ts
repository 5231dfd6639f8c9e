import { describe, expect, it } from '@jest/globals';
import { defineDimension, int, type ModelDefinition, varchar } from '../../../shared/model/define.ts';
import { type OwnRoad, roadOfModel } from './road-of-own.ts';

const optional = { nullable: true };

const person = defineDimension({
  name: 'dim_person',
  source: {
    table: 'person',
    key: ['person_id'],
    columns: { person_id: 'int4', name: 'varchar' },
    joins: [
      {
        path: 'address',
        schema: 'Far away',
        table: 'address',
        match: { address_id: 'address_id' },
        columns: { street: 'varchar' },
      },
      {
        path: 'address.city',
        from: 'address',
        schema: 'Far away',
        table: 'city',
        match: { city_no: 'city_no', country: 'country' },
        columns: { name: 'varchar' },
      },
      {
        path: 'address.city.country',
        from: 'address.city',
        table: 'country',
        match: { country: 'code' },
        columns: { name: 'varchar' },
      },
    ],
  },
  key: ['person_id'],
  columns: {
    person_id: int('person_id'),
    name: varchar('name'),
    street: varchar('address.street', optional),
    city: varchar('address.city.name', optional),
    country: varchar('address.city.country.name', optional),
  },
});

const trip = defineDimension({
  name: 'dim_trip',
  source: {
    table: 'trip',
    key: ['trip_id'],
    columns: { trip_id: 'int4' },
    joins: [
      { path: 'departure', table: 'country', match: { from_country: 'code' }, columns: { name: 'varchar' } },
      { path: 'arrival', table: 'country', match: { to_country: 'code' }, columns: { name: 'varchar' } },
    ],
  },
  key: ['trip_id'],
  columns: {
    trip_id: int('trip_id'),
    departure: varchar('departure.name', optional),
    arrival: varchar('arrival.name', optional),
  },
});

const employee = defineDimension({
  name: 'dim_employee',
  source: {
    table: 'employee',
    key: ['employee_id'],
    columns: { employee_id: 'int4', name: 'varchar' },
    joins: [
      { path: 'boss', table: 'employee', match: { boss_id: 'employee_id' }, columns: { name: 'varchar' } },
      {
        path: 'boss.boss',
        from: 'boss',
        table: 'employee',
        match: { boss_id: 'employee_id' },
        columns: { name: 'varchar' },
      },
    ],
  },
  key: ['employee_id'],
  columns: {
    employee_id: int('employee_id'),
    name: varchar('name'),
    boss: varchar('boss.name', optional),
    boss_of_boss: varchar('boss.boss.name', optional),
  },
});

const definition: ModelDefinition = { name: 'joins', tables: [person, trip, employee] };

const tables = `
  create schema "Far away";
  create table country (code varchar primary key, name text not null);
  create table "Far away".city (city_no int, country varchar, name text, primary key (country, city_no));
  create table "Far away".address (address_id int primary key, street text, city_no int, country varchar);
  create table person (person_id int primary key, name text not null, address_id int);
  create table trip (trip_id int primary key, from_country varchar, to_country varchar);
  create table employee (employee_id int primary key, name text not null, boss_id int);
  insert into country values ('A', 'Austria'), ('B', 'Belgium'), ('C', 'Chad');
  insert into "Far away".city values (1, 'A', 'Vienna'), (1, 'B', 'Bruges'), (2, 'A', 'Graz');
  insert into "Far away".address values (1, 'Ring 1', 1, 'A'), (2, 'Dijver 2', 1, 'B'), (3, 'Nowhere', 9, 'A'), (4, 'Lane', null, 'A');
  insert into person select n, 'Person ' || n, n from generate_series(1, 6) n;
  insert into trip values (1, 'A', 'B'), (2, 'B', 'A'), (3, 'A', 'A'), (4, null, 'C'), (5, 'X', 'C');
  insert into employee values (1, 'Ann', null), (2, 'Bob', 1), (3, 'Cay', 2), (4, 'Own', 4), (5, 'Out', 99)`;

const people = `
  select p.person_id, p.name, a.street, c.name, n.name from person p
    left join "Far away".address a using (address_id)
    left join "Far away".city c on c.city_no = a.city_no and c.country = a.country
    left join country n on n.code = c.country order by 1`;
const trips = `
  select trip_id, (select name from country where code = from_country), (select name from country where code = to_country)
    from trip order by 1`;
const employees = `
  select e.employee_id, e.name, b.name, bb.name from employee e
    left join employee b on b.employee_id = e.boss_id left join employee bb on bb.employee_id = b.boss_id order by 1`;

describe('a model of joins and without a calendar', () => {
  let road: OwnRoad;
  roadOfModel(definition, tables, (made) => {
    road = made;
  });

  it('takes a change of the farthest of three joined tables to the rows that reach it, across schemas', async () => {
    await road.run();
    await road.change(`update country set name = name || ' ' || length(name)`);
    await road.run();
    const landed = await road.warehouse(
      'select person_id, name, street, city, country from dim_person order by 1',
    );
    expect(landed).toEqual(await road.source(people));
    expect(landed[0]?.at(-1)).toMatch(/^Austria 7/);
    expect(landed[2]).toEqual(['3', 'Person 3', 'Nowhere', null, null]);
  });

  it('takes a change of a table in the middle of the way, and of its key', async () => {
    await road.run();
    await road.change(`
      update "Far away".address set country = 'B' where address_id = 1;
      update "Far away".city set city_no = 9 where name = 'Graz'`);
    await road.run();
    const landed = await road.warehouse(
      'select person_id, name, street, city, country from dim_person order by 1',
    );
    expect(landed).toEqual(await road.source(people));
    expect(landed[0]?.[3]).toBe('Bruges');
    expect(landed[2]?.[3]).toBe('Graz');
  });

  it('joins one table twice, each time by the columns of its own way', async () => {
    await road.run();
    await road.change(`
      update trip set from_country = 'C' where trip_id = 3;
      update country set name = 'Kingdom of ' || name where code = 'B'`);
    await road.run();
    const landed = await road.warehouse('select trip_id, departure, arrival from dim_trip order by 1');
    expect(landed).toEqual(await road.source(trips));
    expect(landed[0]?.slice(1)).not.toEqual(landed[1]?.slice(1));
  });

  it('joins a table to itself, and to itself once more', async () => {
    await road.run();
    await road.change(`
      update employee set name = name || ' I' where employee_id in (1, 4);
      insert into employee values (99, 'In', 3)`);
    await road.run();
    const landed = await road.warehouse(
      'select employee_id, name, boss, boss_of_boss from dim_employee order by 1',
    );
    expect(landed).toEqual(await road.source(employees));
    expect(landed[2]).toEqual(['3', 'Cay', 'Bob', 'Ann I']);
    expect(landed[3]).toEqual(['4', 'Own I', 'Own I', 'Own I']);
  });

  it('has no table of dates in its warehouse', async () => {
    await road.run();
    const made = await road.warehouse(
      "select tablename from pg_tables where schemaname = 'public' order by 1",
    );
    expect(made.flat()).toEqual(['dim_employee', 'dim_person', 'dim_trip']);
  });
});
