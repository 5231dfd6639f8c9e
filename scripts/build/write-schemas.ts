import { writeFileSync } from 'node:fs';
import { makeJsonSchemas } from '../../cli/project/files/json-schemas.ts';

// Writes the JSON Schemas of a project's files, which follow from the grammars that read them.
for (const [name, schema] of Object.entries(makeJsonSchemas())) {
  const file = new URL(`../../docs/schemas/${name}.schema.json`, import.meta.url);
  writeFileSync(file, `${JSON.stringify(schema, null, 2)}\n`);
}
