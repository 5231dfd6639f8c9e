/** The files of the page by their names. */
export type PageFiles = Readonly<Record<'index.html' | 'page.js' | 'page.css', string>>;

/** Builds them from the sources. A build of the command line has them within it (scripts/build/esbuild.plugins.js). */
export async function readPageFiles(): Promise<PageFiles> {
  const { buildPage } = await import('../../scripts/build/page.js');
  return buildPage();
}
