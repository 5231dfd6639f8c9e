import { formatType } from '../../shared/model/define.ts';
import type { Model, WarehouseTable } from '../../shared/model/model.ts';
import { businessKey } from '../../shared/warehouse/warehouse-schema.ts';

/**
 * The star as an entity relationship diagram of Mermaid, which GitHub and many editors draw.
 *
 * @see https://mermaid.js.org/syntax/entityRelationshipDiagram.html
 */
export function toMermaid(model: Model): string {
  const entities = model.tables.map((table) => {
    const key = businessKey(table);
    const attributes = columnsOf(table).map(({ name, type, references }) => {
      const keys = [...(key.includes(name) ? ['PK'] : []), ...(references === undefined ? [] : ['FK'])];
      return `    ${toWord(type)} ${toWord(name)}${keys.length === 0 ? '' : ` ${keys.join(', ')}`}`;
    });
    return [`  ${quoteName(table.name)} {`, ...attributes, '  }'].join('\n');
  });
  const relations = referencesOf(model).map(
    ({ from, column, to, nullable }) =>
      `  ${quoteName(to)} ${nullable ? '|o' : '||'}--o{ ${quoteName(from)} : ${quoteName(column)}`,
  );
  return ['erDiagram', ...entities, ...relations].join('\n');
}

/**
 * The same for Graphviz, an edge for each reference.
 *
 * @see https://graphviz.org/doc/info/lang.html
 */
export function toDot(model: Model): string {
  const nodes = model.tables.map((table) => {
    const key = businessKey(table);
    const columns = columnsOf(table).map(
      ({ name, type }) =>
        `${escapeRecord(name)} ${escapeRecord(type)}${key.includes(name) ? ' (key)' : ''}\\l`,
    );
    const style = table.kind === 'fact' ? ', style=filled, fillcolor=lightgrey' : '';
    return `  ${quoteName(table.name)} [label="{${escapeRecord(table.name)}|${columns.join('')}}"${style}];`;
  });
  const edges = referencesOf(model).map(
    ({ from, column, to }) => `  ${quoteName(from)} -> ${quoteName(to)} [label=${quoteName(column)}];`,
  );
  return ['digraph star {', '  rankdir=LR;', '  node [shape=record];', ...nodes, ...edges, '}'].join('\n');
}

interface DrawnColumn {
  name: string;
  type: string;
  references: string | undefined;
  nullable: boolean;
}

const columnsOf = (table: WarehouseTable): DrawnColumn[] =>
  table.columns.map((column) => ({
    name: column.name,
    type: formatType(column.type),
    references: 'references' in column ? column.references : undefined,
    nullable: column.nullable,
  }));

const referencesOf = ({ tables }: Model) =>
  tables.flatMap((table) =>
    columnsOf(table).flatMap(({ name, references, nullable }) =>
      references === undefined ? [] : [{ from: table.name, column: name, to: references, nullable }],
    ),
  );

/** Mermaid has no escape for a quote inside a name. */
const quoteName = (name: string): string => `"${name.replaceAll('\\', '\\\\').replaceAll('"', "'")}"`;

/** An attribute is a word of letters, digits and these signs. */
const toWord = (text: string): string => text.replaceAll(/[^\p{L}\p{N}_()[\]-]+/gu, '_');

/** These have a meaning in the label of a record. */
const escapeRecord = (text: string): string => text.replaceAll(/[\\"{}|<> ]/g, (sign) => `\\${sign}`);
