// What the checker finds is worth something only while it shares no code with what it checks.
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Every file of ours that these files load, directly or through others, from the project's root. */
function loadedFrom(...entries: string[]): Set<string> {
  const loaded = new Set<string>();
  const waiting = [...entries];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (loaded.has(file)) continue;
    loaded.add(file);
    const text = readFileSync(join(root, file), 'utf8');
    for (const [, path] of text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)) {
      waiting.push(relative(root, join(root, dirname(file), path!)));
    }
  }
  return loaded;
}

const ofEngine = (files: Set<string>): string[] => [...files].filter((file) => file.startsWith('src'));

describe('the chaos run', () => {
  it('reads imports', () => {
    expect(ofEngine(loadedFrom('scripts/audit.ts')).length).toBeGreaterThan(5);
  });

  it.each(['scripts/chaos/check/check.ts', 'scripts/chaos/workload/workload.ts', 'scripts/chaos.ts'])(
    'loads nothing of the engine: %s',
    (entry) => {
      const loaded = loadedFrom(entry);
      expect(loaded.size).toBeGreaterThan(5);
      expect(ofEngine(loaded)).toEqual([]);
    },
  );
});
