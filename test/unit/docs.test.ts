// The documents say what is there: links, paths, variables, commands and the tests of the invariants.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/config.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

const pages = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  ...markdownIn('docs'),
  ...markdownIn('src/device'),
  ...markdownIn('tools'),
];

function markdownIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.md'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}

/** A page without its code blocks, which hold what commands print. */
const prose = (page: string): string => read(page).replace(/^```.*?^```$/gms, '');

/** Anchors as GitHub makes them of headings. */
const anchorsOf = (page: string): string[] =>
  [...prose(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );

function brokenLinks(page: string): string[] {
  const links = [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
  return links.filter((link) => {
    if (/^[a-z]+:/.test(link)) return false;
    const [path = '', anchor] = link.split('#');
    const target = path === '' ? page : relative(root, join(root, dirname(page), path));
    if (!existsSync(join(root, target))) return true;
    return anchor !== undefined && !anchorsOf(target).includes(anchor);
  });
}

/** Paths from the root in backquotes, such as `src/app.ts`; one with a placeholder names no file. */
function missingPaths(page: string): string[] {
  const quoted = [...prose(page).matchAll(/`([^`\n]+)`/g)].flatMap(([, text = '']) => text.split(/\s+/));
  return quoted
    .filter((word) => /^(src|test|scripts|tools|docs)\/[\w./-]+$/.test(word))
    .filter((path) => !existsSync(join(root, path)));
}

describe('every page', () => {
  it.each(pages)('%s links to what is there', (page) => {
    expect(brokenLinks(page)).toEqual([]);
  });

  it.each(pages)('%s names files that are there', (page) => {
    expect(missingPaths(page)).toEqual([]);
  });

  it.each(pages)('%s names npm scripts that are there', (page) => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = [
      ...read(page).matchAll(/\bnpm (?:run (?:--silent )?(?=[a-z])|(?=start\b|test\b))([a-z:-]*[a-z])/g),
    ];
    for (const [command, name = ''] of named) {
      expect(Object.keys(scripts), command).toContain(name);
      for (const file of scripts[name]?.match(/\S+\.(ts|mjs)\b/g) ?? []) {
        expect(existsSync(join(root, file)), `${command}: ${file}`).toBe(true);
      }
    }
  });
});

describe('the README', () => {
  const rows = [...read('README.md').matchAll(/^\| `([A-Z_]+)` \| ([^|]*) \|/gm)].map(
    ([, name = '', standard = '']) => ({ name, standard: standard.trim() }),
  );

  it('has every variable that the engine reads, and no other', () => {
    const table = /z\.object\(\{(.*?)\n\}\)/s.exec(read('src/config/config.ts'))?.[1] ?? '';
    const known = [...table.matchAll(/^ {2}([A-Z_]+):/gm)].map((match) => match[1]);
    expect(known).toContain('MONGODB_URL');
    expect(rows.map((row) => row.name)).toEqual(known);
  });

  it('states the defaults', () => {
    const needed = { MONGODB_URL: 'mongodb://h', REDIS_URL: 'redis://h', JWT_SECRET: 'x'.repeat(32) };
    const stated = Object.fromEntries(
      rows.flatMap(({ name, standard }) => {
        const value = /^`([^`]+)`$/.exec(standard)?.[1];
        return value === undefined ? [] : [[name, value]];
      }),
    );
    expect(Object.keys(stated).length).toBeGreaterThan(8);
    expect(parseConfig({ ...needed, ...stated })).toEqual(parseConfig(needed));
    const required = rows.filter((row) => row.standard === 'required').map((row) => row.name);
    expect(required.sort()).toEqual(Object.keys(needed).sort());
  });
});

describe('docs/invariants.md', () => {
  const rows = [...read('docs/invariants.md').matchAll(/^\| ([SLARDE]\d) \|(.*)\|$/gm)].map(
    ([, letter = '', row = '']) => ({ letter, heldBy: row.split('|').at(-1) ?? '' }),
  );

  it('has every letter once', () => {
    const counts = { S: 8, L: 7, A: 6, R: 5, D: 6, E: 6 };
    const letters = Object.entries(counts).flatMap(([letter, count]) =>
      Array.from({ length: count }, (_, index) => `${letter}${index + 1}`),
    );
    expect(rows.map((row) => row.letter)).toEqual(letters);
  });

  it.each(rows)('$letter names a test that is there, or says that none is', ({ heldBy }) => {
    const tests = testsNamedIn(heldBy);
    if (tests.length === 0) expect(heldBy).toContain('not shown yet');
    for (const { file, title } of tests) {
      expect(existsSync(join(root, file)), file).toBe(true);
      expect(stringsOf(file), `${file}: ${title}`).toContainEqual(expect.stringContaining(title));
    }
  });
});

describe('docs/09-reliability.md', () => {
  it('names tests that are there', () => {
    const tests = read('docs/09-reliability.md').split('\n').flatMap(testsNamedIn);
    expect(tests.length).toBeGreaterThan(5);
    for (const { file, title } of tests) {
      expect(existsSync(join(root, file)), file).toBe(true);
      expect(stringsOf(file), `${file}: ${title}`).toContainEqual(expect.stringContaining(title));
    }
  });
});

/** `test/….test.ts`: "title"; "title" of the same file. A title that holds quotes stands in backquotes. */
function testsNamedIn(text: string): { file: string; title: string }[] {
  let file = '';
  return [...text.matchAll(/`(test\/[\w./-]+\.ts)`|"([^"`]+)"|`([^`]+)`/g)].flatMap(
    ([, path, plain, quoting]) => {
      if (path !== undefined) file = path;
      const title = plain ?? quoting;
      return title === undefined || file === '' ? [] : [{ file, title }];
    },
  );
}

/** The titles that a test file gives its tests, as they are written. */
const stringsOf = (file: string): string[] =>
  [...read(file).matchAll(/'((?:[^'\\\n]|\\.)*)'|`([^`]*)`|"((?:[^"\\\n]|\\.)*)"/g)].map(
    ([, single, back, double]) => single ?? back ?? double ?? '',
  );
