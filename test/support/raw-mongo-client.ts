// A client without the driver's care, to send a command twice as a driver does after a lost answer.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Binary, BSON, type Document, Long } from 'mongodb';
import { MessageSplitter, messageHead } from '../../tools/documentdb/wire.ts';

const MESSAGE_HEAD_BYTES = 21;

export class RawClient {
  readonly #socket: Socket;
  readonly #lsid = { id: new Binary(randomBytes(16), Binary.SUBTYPE_UUID) };
  readonly #waiting: ((reply: Document) => void)[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    const splitter = new MessageSplitter();
    socket.on('data', (bytes) => {
      for (const message of splitter.push(bytes)) {
        this.#waiting.shift()?.(BSON.deserialize(message.subarray(MESSAGE_HEAD_BYTES)));
      }
    });
  }

  static async connect(url: string): Promise<RawClient> {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  /** Sends a write of this client's one session under a transaction number. */
  retryable(command: Document, txnNumber: number): Promise<Document> {
    const body = BSON.serialize({ ...command, lsid: this.#lsid, txnNumber: Long.fromNumber(txnNumber) });
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#socket.write(messageHead(1, 0, body.length));
      this.#socket.write(body);
    });
  }

  close(): void {
    this.#socket.destroy();
  }
}
