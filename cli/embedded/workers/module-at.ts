/**
 * The URL of a module that another process imports by it. The build has another answer in this one's place
 * (scripts/build/build.js): all of its files lie in one folder.
 *
 * @param path from the root of the project, without an extension
 */
export const moduleAt = (path: string): string => new URL(`../../../${path}.ts`, import.meta.url).href;
