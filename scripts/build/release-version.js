// Prints the version that is to be released: the one that CHANGELOG.md begins with, which must be package.json's, too. With
// --notes, prints what CHANGELOG.md says of it. Plain JavaScript for Node 20.
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const heading = /^## (?<version>\d+\.\d+\.\d+) \((?<date>\d{4}-\d\d-\d\d)\)$/;

/**
 * @param {string} changelog its text
 * @param {string} packageVersion
 * @returns {{ version: string, notes: string }}
 * @throws {Error} what is to be changed first
 */
export function findRelease(changelog, packageVersion) {
  const [, newest = '', ...rest] = changelog.split(/^(?=## )/m);
  const [title = '', ...notes] = newest.trimEnd().split('\n');
  const version = heading.exec(title)?.groups?.version;
  if (version === undefined) {
    throw new Error(
      `CHANGELOG.md begins with "${title}": write "## X.Y.Z (YYYY-MM-DD)" above what is to be released`,
    );
  }
  if (version !== packageVersion) {
    throw new Error(
      `CHANGELOG.md begins with ${version}, and package.json has ${packageVersion}: type \`npm version --no-git-tag-version ${version}\``,
    );
  }
  if (rest.some((section) => heading.exec(section.split('\n')[0] ?? '')?.groups?.version === version)) {
    throw new Error(`CHANGELOG.md has ${version} twice`);
  }
  return { version, notes: `${notes.join('\n').trim()}\n` };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
    const release = findRelease(readFileSync('CHANGELOG.md', 'utf8'), version);
    process.stdout.write(process.argv.includes('--notes') ? release.notes : `${release.version}\n`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
