import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

// Every relative link of every Markdown file leads to a file or folder that is there, and an anchor to a heading.

const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
  encoding: 'utf8',
});
const broken = files.trim().split('\n').filter(existsSync).flatMap(findBroken);
for (const link of broken) console.log(link);
if (broken.length > 0) process.exitCode = 1;

/** @param {string} file */
function findBroken(file) {
  // A link may be broken over two lines, and code holds none.
  const text = readFileSync(file, 'utf8').replaceAll(/```[\s\S]*?```|`[^`\n]*`/g, '');
  const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link ?? '');
  return links
    .filter((link) => !/^[a-z]+:/.test(link))
    .filter((link) => !leadsSomewhere(file, link))
    .map((link) => `${file}: ${link} leads nowhere`);
}

/**
 * @param {string} file
 * @param {string} link
 */
function leadsSomewhere(file, link) {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? file : relative('.', join(dirname(file), path));
  if (!existsSync(target)) return false;
  return anchor === undefined || anchorsOf(readFileSync(target, 'utf8')).includes(anchor);
}

/** Each heading as GitHub makes an anchor of it. @param {string} text */
function anchorsOf(text) {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}
