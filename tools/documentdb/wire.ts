// MongoDB's wire protocol, as far as a driver of today needs it: OP_MSG both ways, and OP_QUERY only for the
// first hello of a connection. Lengths and numbers are little-endian; a header has 16 bytes.
const OP_REPLY = 1;
const OP_QUERY = 2004;
const OP_MSG = 2013;
const HEADER_BYTES = 16;
// A message larger than MongoDB's own limit is no message of a driver; without a bound a stray HTTP request
// would be read as a length of a gigabyte and kept in memory.
const MAX_MESSAGE_BYTES = 48_000_000 + HEADER_BYTES;

const CHECKSUM_PRESENT = 1;
const MORE_TO_COME = 2;

export interface Message {
  readonly requestId: number;
  /** The old handshake: it is always answered with hello. */
  readonly isLegacyQuery: boolean;
  /** The sender expects no reply (write concern w: 0). */
  readonly wantsNoReply: boolean;
  readonly body: Buffer;
  readonly sequences: ReadonlyMap<string, Buffer>;
}

/** Cuts a stream of bytes into messages. */
export class MessageSplitter {
  #parts: Buffer[] = [];
  #have = 0;
  #need = 0;

  /** Takes what the socket delivered and returns the messages that it completed. Throws on a bad length. */
  push(bytes: Buffer): Buffer[] {
    const messages: Buffer[] = [];
    this.#parts.push(bytes);
    this.#have += bytes.length;
    for (;;) {
      if (this.#need === 0 && !this.#readLength()) return messages;
      if (this.#have < this.#need) return messages;
      // Joined once per message, not once per packet: a 40 MB insert arrives in some 600 packets.
      const joined = this.#join();
      messages.push(joined.subarray(0, this.#need));
      const rest = joined.subarray(this.#need);
      this.#parts = rest.length > 0 ? [rest] : [];
      this.#have = rest.length;
      this.#need = 0;
    }
  }

  #readLength(): boolean {
    if (this.#have < 4) return false;
    const first = this.#parts[0]!.length < 4 ? this.#join() : this.#parts[0]!;
    this.#need = first.readInt32LE(0);
    if (this.#need < HEADER_BYTES || this.#need > MAX_MESSAGE_BYTES) {
      throw new RangeError(`a message of ${this.#need} bytes is not MongoDB's protocol`);
    }
    return true;
  }

  #join(): Buffer {
    if (this.#parts.length > 1) this.#parts = [Buffer.concat(this.#parts, this.#have)];
    return this.#parts[0]!;
  }
}

/** Reads one whole message. Throws a RangeError for operations other than OP_MSG and OP_QUERY. */
export function parseMessage(bytes: Buffer): Message {
  const requestId = bytes.readInt32LE(4);
  const operation = bytes.readInt32LE(12);
  if (operation === OP_QUERY) {
    return { requestId, isLegacyQuery: true, wantsNoReply: false, body: bytes, sequences: new Map() };
  }
  if (operation !== OP_MSG) throw new RangeError(`operation ${operation} is not supported, only OP_MSG`);

  const flags = bytes.readUInt32LE(HEADER_BYTES);
  const end = bytes.length - (flags & CHECKSUM_PRESENT ? 4 : 0);
  const sequences = new Map<string, Buffer>();
  let body: Buffer | undefined;
  for (let at = HEADER_BYTES + 4; at < end; ) {
    const kind = bytes[at]!;
    const start = at + 1;
    const length = bytes.readInt32LE(start);
    if (kind === 0) {
      body = bytes.subarray(start, start + length);
    } else {
      const nameEnd = bytes.indexOf(0, start + 4);
      sequences.set(bytes.toString('utf8', start + 4, nameEnd), bytes.subarray(nameEnd + 1, start + length));
    }
    at = start + length;
  }
  if (body === undefined) throw new RangeError('a message without a body');
  return { requestId, isLegacyQuery: false, wantsNoReply: (flags & MORE_TO_COME) !== 0, body, sequences };
}

/** The head of an OP_MSG reply; the encoded document follows it on the socket. */
export function messageHead(requestId: number, responseTo: number, bodyBytes: number): Buffer {
  const head = Buffer.alloc(HEADER_BYTES + 5);
  writeHeader(head, head.length + bodyBytes, requestId, responseTo, OP_MSG);
  return head;
}

/** The head of an OP_REPLY, the answer to OP_QUERY. */
export function legacyReplyHead(requestId: number, responseTo: number, bodyBytes: number): Buffer {
  const head = Buffer.alloc(HEADER_BYTES + 20);
  const AWAIT_CAPABLE = 8;
  writeHeader(head, head.length + bodyBytes, requestId, responseTo, OP_REPLY);
  head.writeInt32LE(AWAIT_CAPABLE, HEADER_BYTES);
  head.writeInt32LE(1, HEADER_BYTES + 16); // one document
  return head;
}

function writeHeader(head: Buffer, length: number, requestId: number, responseTo: number, operation: number) {
  head.writeInt32LE(length, 0);
  head.writeInt32LE(requestId, 4);
  head.writeInt32LE(responseTo, 8);
  head.writeInt32LE(operation, 12);
}
