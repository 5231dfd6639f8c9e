import { fileURLToPath } from 'node:url';
import { builtInFolder } from '../../../models/built-in.ts';
import { readExpectFiles } from './expect-files.ts';

/**
 * What verify compares the sample shop with: its files by warehouse table.
 *
 * A build has no folder to read: it puts the files' texts in this module's place (scripts/build/esbuild.plugins.js).
 */
export const expectFiles: Readonly<Record<string, string>> = readExpectFiles(fileURLToPath(builtInFolder()));
