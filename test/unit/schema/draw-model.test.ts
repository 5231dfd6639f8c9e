import { describe, expect, it } from '@jest/globals';
import { toDot, toMermaid } from '../../../cli/schema/draw-model.ts';
import { defineDimension, defineFact, int, varchar } from '../../../shared/model/define.ts';
import { assembleModel } from '../../../shared/model/model.ts';

const model = assembleModel({
  name: 'test',
  tables: [
    defineDimension({
      name: 'dim "colour"',
      source: { table: 'colour', key: ['id'], columns: { id: 'int4', name: 'varchar' } },
      key: ['id'],
      columns: { id: int('id'), 'first name': varchar('name') },
    }),
    defineFact({
      name: 'fact_sale',
      source: { table: 'sale', key: ['id'], columns: { id: 'int4', colour: 'int4?' } },
      key: ['id'],
      versions: [],
      columns: { id: int('id'), colour: int('colour', { nullable: true, references: 'dim "colour"' }) },
    }),
  ],
});

describe('a picture of the star', () => {
  it('is an entity relationship diagram of Mermaid, with names that it takes', () => {
    expect(toMermaid(model)).toBe(`erDiagram
  "dim 'colour'" {
    int id PK
    varchar first_name
  }
  "fact_sale" {
    int id PK
    int colour FK
  }
  "dim 'colour'" |o--o{ "fact_sale" : "colour"`);
  });

  it('is a graph of Graphviz, in whose labels no sign of a name has a meaning', () => {
    expect(toDot(model)).toBe(`digraph star {
  rankdir=LR;
  node [shape=record];
  "dim 'colour'" [label="{dim\\ \\"colour\\"|id int (key)\\lfirst\\ name varchar\\l}"];
  "fact_sale" [label="{fact_sale|id int (key)\\lcolour int\\l}", style=filled, fillcolor=lightgrey];
  "fact_sale" -> "dim 'colour'" [label="colour"];
}`);
  });
});
