import { PipelineError } from '../../../shared/errors.ts';
import { assembleModel } from '../../../shared/model/model.ts';
import { assertNameLengths } from '../../../shared/warehouse/warehouse-schema.ts';
import { projectFileName } from '../../configuration/find-project-file.ts';
import type { Finding } from '../../configuration/yaml-file.ts';
import { type Compiled, compileProject } from '../compile/compile.ts';
import type { Project } from '../files/read-project.ts';

/** Compiles a project, and puts its tables together as the pipeline does. */
export function judgeProject(project: Project): Compiled {
  const compiled = compileProject(project);
  if (compiled.findings.length > 0) return compiled;
  try {
    assertNameLengths(assembleModel(compiled.definition));
    return compiled;
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error;
    return { ...compiled, findings: [findingOf(error, project)] };
  }
}

/** In the file of the table that it is about. */
function findingOf({ message, table }: PipelineError, { tables }: Project): Finding {
  const words = message.split(/[\s.,:]+/);
  const file = tables.find(({ contents }) => {
    const name = contents.fact ?? contents.dimension ?? contents.table ?? '';
    return table === undefined ? words.includes(name) : table === name;
  });
  return { file: file?.file.name ?? projectFileName, message };
}
