// .ts in a clone, .js in an installed package.
const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'));

/**
 * The URL of a module that is imported by its URL, in a process of its own. The bundle of the command line has another
 * answer in this one's place (scripts/bundle-cli.js).
 *
 * @param path from the root of the project, without an extension
 */
export const moduleAt = (path: string): string =>
  new URL(`../../../${path}${extension}`, import.meta.url).href;
