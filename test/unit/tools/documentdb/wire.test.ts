import { describe, expect, it } from 'vitest';
import { encode } from '../../../../tools/documentdb/documents.ts';
import {
  legacyReplyHead,
  MessageSplitter,
  messageHead,
  parseMessage,
} from '../../../../tools/documentdb/wire.ts';

const body = encode({ ping: 1, $db: 'admin' });
const ping = Buffer.concat([messageHead(7, 0, body.length), body]);

/** A message with a document sequence, as a driver sends inserts, and with a checksum. */
function insertMessage(): Buffer {
  const documents = Buffer.concat([encode({ _id: 1 }), encode({ _id: 2 })]);
  const name = Buffer.from('documents\0');
  const length = Buffer.alloc(4);
  length.writeInt32LE(4 + name.length + documents.length);
  const parts = [Buffer.from([1]), length, name, documents, Buffer.alloc(4, 0xff)];
  const extra = Buffer.concat(parts);
  const message = Buffer.concat([ping, extra]);
  message.writeInt32LE(message.length, 0);
  message.writeUInt32LE(1 | 2, 16); // checksum present, more to come
  return message;
}

describe('MessageSplitter', () => {
  it('joins a message that arrives byte by byte', () => {
    const splitter = new MessageSplitter();
    const messages = [...ping].flatMap((byte) => splitter.push(Buffer.from([byte])));
    expect(messages).toEqual([ping]);
  });

  it('parts messages that arrive together, and keeps the beginning of the next', () => {
    const splitter = new MessageSplitter();
    expect(splitter.push(Buffer.concat([ping, ping, ping.subarray(0, 10)]))).toEqual([ping, ping]);
    expect(splitter.push(ping.subarray(10))).toEqual([ping]);
  });

  it.each([
    ['too short', 15],
    ['negative', -1],
    ['over 48 MB', 50_000_000],
  ])('refuses a length that is %s', (_, length) => {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(length);
    expect(() => new MessageSplitter().push(bytes)).toThrow(RangeError);
  });
});

describe('parseMessage', () => {
  it('reads the body', () => {
    const message = parseMessage(ping);
    expect(message).toMatchObject({ requestId: 7, isLegacyQuery: false, wantsNoReply: false });
    expect(message.body).toEqual(body);
  });

  it('reads a document sequence and leaves the checksum out', () => {
    const message = parseMessage(insertMessage());
    expect(message.wantsNoReply).toBe(true);
    expect(message.sequences.get('documents')).toEqual(
      Buffer.concat([encode({ _id: 1 }), encode({ _id: 2 })]),
    );
  });

  it('knows the old handshake, and refuses other operations', () => {
    const query = Buffer.from(ping);
    query.writeInt32LE(2004, 12);
    expect(parseMessage(query).isLegacyQuery).toBe(true);
    query.writeInt32LE(2012, 12);
    expect(() => parseMessage(query)).toThrow('operation 2012');
  });
});

it('a reply to the old handshake has a header of 36 bytes and one document', () => {
  const head = legacyReplyHead(1, 7, 100);
  expect([head.length, head.readInt32LE(0), head.readInt32LE(8), head.readInt32LE(32)]).toEqual([
    36, 136, 7, 1,
  ]);
});
