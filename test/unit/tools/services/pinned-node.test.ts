import { expect, it } from 'vitest';
import { assertPinnedNode } from '../../../support/pinned-node.ts';

it.each(['22.18.0', '22.20.1', '24.0.0'])('accepts Node %s', (version) => {
  expect(() => assertPinnedNode(version)).not.toThrow();
});

it.each(['20.20.2', '22.17.9'])('refuses Node %s and says what to do', (version) => {
  expect(() => assertPinnedNode(version)).toThrow(/remove node_modules/);
});
