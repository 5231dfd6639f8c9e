import { fileURLToPath } from 'node:url';
import { builtInFolder } from '../../models/built-in.ts';
import type { ModelDefinition } from '../../shared/model/define.ts';
import { loadProject } from './compile/compile.ts';

/**
 * The model of the sample shop.
 *
 * A build has no folder to read: it puts the compiled model in this module's place (scripts/build/esbuild.plugins.js).
 */
export const definition: ModelDefinition = loadProject(fileURLToPath(builtInFolder()));
