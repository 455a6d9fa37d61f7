import { expect, test } from 'vitest';
import { parseClientFrame } from '../../../src/realtime/client-frames.ts';

test.each([
  ['{"type":"heartbeat"}'],
  ['{"type":"heartbeat","more":1}'],
  ['{"type":"resume","last_event_id":"1-2"}'],
  ['{"type":"subscribe","events":["item_update","session_update"]}'],
  ['{"type":"auth","token":"a.b.c"}'],
])('%s is a frame', (text) => {
  expect(parseClientFrame(text, false).kind).toBe('frame');
});

test.each([
  ['null'],
  ['[]'],
  ['"heartbeat"'],
  ['{}'],
  ['{"type":"shout"}'],
  ['{"type":"resume"}'],
  ['{"type":"resume","last_event_id":{"$gt":""}}'],
  ['{"type":"subscribe","events":["everything"]}'],
  ['{"type":"subscribe","events":"item_update"}'],
  ['{"type":"auth"}'],
])('%s is JSON and no frame', (text) => {
  expect(parseClientFrame(text, false).kind).toBe('invalid');
});

test.each([
  ['', false],
  ['{', false],
  ['hello', false],
  ['{"type":"heartbeat"}', true],
])('%j (binary: %s) is not JSON text', (text, binary) => {
  expect(parseClientFrame(text, binary).kind).toBe('not_json');
});
