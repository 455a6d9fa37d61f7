import { readImports, type SourceFile } from './source-file.ts';

/**
 * Circles of files that load each other, each written once from its first file in the alphabet. Imports of
 * types are erased before anything runs and may go round: db/database.ts names the row type of every file
 * that takes a Database.
 */
export function findImportCycles(files: readonly SourceFile[]): string[] {
  const arrows = new Map(
    files.map((file) => [
      file.path,
      readImports(file)
        .filter((each) => each.ours && !each.typeOnly)
        .map((each) => each.target),
    ]),
  );
  const cycles = new Set<string>();
  const done = new Set<string>();
  const walk = (path: string, trail: readonly string[]): void => {
    const seenAt = trail.indexOf(path);
    if (seenAt >= 0) cycles.add(written(trail.slice(seenAt)));
    if (seenAt >= 0 || done.has(path)) return;
    for (const target of arrows.get(path) ?? []) walk(target, [...trail, path]);
    done.add(path);
  };
  for (const path of arrows.keys()) walk(path, []);
  return [...cycles].sort();
}

function written(circle: readonly string[]): string {
  const first = circle.indexOf([...circle].sort()[0] ?? '');
  const turned = [...circle.slice(first), ...circle.slice(0, first)];
  return [...turned, turned[0]].join(' → ');
}
