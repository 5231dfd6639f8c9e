import { createHash } from 'node:crypto';
import { stripTypeScriptTypes } from 'node:module';

/**
 * Jest transformer: Node's own type stripping. It blanks types out in place, so line and column
 * numbers stay true and no source map is needed.
 */
const transformer = {
  /** @param {string} source */
  process: (source) => ({ code: stripTypeScriptTypes(source) }),
  /**
   * @param {string} source
   * @param {string} path
   */
  getCacheKey: (source, path) =>
    createHash('sha256').update(process.version).update(path).update(source).digest('hex'),
};

// biome-ignore lint/style/noDefaultExport: Jest takes a transformer from the default export.
export default transformer;
