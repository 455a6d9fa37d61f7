import { expect, test } from 'vitest';
import { canonicalJson } from '../../../src/domain/sync/canonical-json.ts';

test.each([
  ['sorted keys at every level', { b: 1, a: { d: 1, c: 2 } }, '{"a":{"c":2,"d":1},"b":1}'],
  ['undefined members left out', { a: undefined, b: null }, '{"b":null}'],
  ['times in ms', { at: new Date(1234) }, '{"at":1234}'],
  ['arrays in their order', [3, 1, { b: 1, a: 2 }], '[3,1,{"a":2,"b":1}]'],
  ['no minus zero', { n: -0 }, '{"n":0}'],
  ['text escaped', { t: 'a"\n' }, '{"t":"a\\"\\n"}'],
  ['keys escaped', { 'a"': 1 }, '{"a\\"":1}'],
  ['nothing', undefined, 'null'],
  ['a __proto__ member that JSON made', JSON.parse('{"__proto__":1}'), '{"__proto__":1}'],
])('%s', (_name, value, text) => {
  expect(canonicalJson(value)).toBe(text);
});

test('32 levels are told apart, deeper ones are not looked at', () => {
  const nested = (levels: number, core: unknown) => {
    let value = core;
    for (let level = 0; level < levels; level += 1) value = [value];
    return canonicalJson(value);
  };
  expect(nested(32, 1)).not.toBe(nested(32, 2));
  expect(nested(40, 1)).toBe(nested(40, 2));
  expect(nested(100_000, 1).length).toBeLessThan(100);
});
