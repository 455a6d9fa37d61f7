import { posix } from 'node:path';

export interface SourceFile {
  /** From the project's root, with slashes: `src/db/database.ts`. */
  path: string;
  text: string;
}

export interface Import {
  /** `src/db/database.ts` for a file of ours, else the name of the package or `node:` module. */
  target: string;
  ours: boolean;
  /** Erased before the file runs. */
  typeOnly: boolean;
}

// Formatted code has its imports at the start of a line; the expression may span lines but no other statement.
const STATEMENT = /^(?:import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?['"]([^'"]+)['"]/gm;
const EXPRESSION = /\bimport\(\s*['"]([^'"]+)['"]\s*\)(\s*\.\s*[A-Z])?/g;

/** Every import and re-export of a file: static, dynamic, of types too. */
export function readImports(file: SourceFile): Import[] {
  const code = withoutComments(file.text);
  const resolve = (specifier: string, typeOnly: boolean): Import =>
    specifier.startsWith('.')
      ? { target: posix.join(posix.dirname(file.path), specifier), ours: true, typeOnly }
      : { target: packageOf(specifier), ours: false, typeOnly };
  return [
    ...[...code.matchAll(STATEMENT)].map((match) => resolve(match[2] ?? '', match[1] !== undefined)),
    ...[...code.matchAll(EXPRESSION)].map((match) => resolve(match[1] ?? '', match[2] !== undefined)),
  ];
}

const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

// A `//` inside a string follows `:` or a quote in all of our code (`mongodb://`).
const COMMENTS = /\/\*[\s\S]*?\*\/|(?<![:'"`\\])\/\/.*$|^\s*\*.*$/gm;

/** The code alone, so that a comment may name what the code may not use. */
export const withoutComments = (text: string): string => text.replace(COMMENTS, '');
