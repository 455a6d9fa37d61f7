// The proxy between engine and servers: what is cut is cut, what hangs hangs and loses nothing.
import { once } from 'node:events';
import { createServer, type Server, type Socket, connect as tcpConnect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openProxy, type TcpProxy } from '../../../scripts/chaos/surroundings/proxy.ts';

let echo: Server;
let proxy: TcpProxy;
let clients: Socket[];

beforeEach(async () => {
  clients = [];
  echo = createServer((socket) => socket.on('error', () => {}).pipe(socket)).listen(0, '127.0.0.1');
  await once(echo, 'listening');
  proxy = await openProxy((echo.address() as { port: number }).port);
});

afterEach(async () => {
  for (const client of clients) client.destroy();
  await proxy.close();
  echo.close();
});

async function client(): Promise<Socket> {
  const socket = tcpConnect(proxy.port, '127.0.0.1');
  clients.push(socket);
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

const answerTo = async (socket: Socket, text: string): Promise<string> => {
  const answer = once(socket, 'data');
  socket.write(text);
  return String((await answer)[0]);
};

const closed = (socket: Socket): Promise<void> =>
  new Promise((resolve) => socket.once('close', () => resolve()));

const SILENT = 'no answer';
const orSilence = (answer: Promise<string>): Promise<string> =>
  Promise.race([answer, sleep(100).then(() => SILENT)]);

describe('the proxy', () => {
  it('forwards both ways', async () => {
    expect(await answerTo(await client(), 'one')).toBe('one');
  });

  it('cuts what is open and serves what comes', async () => {
    const open = await client();
    await answerTo(open, 'one');
    proxy.cut();
    await closed(open);
    expect(await answerTo(await client(), 'two')).toBe('two');
  });

  it('leaves connections open and silent while frozen, and passes on what was held', async () => {
    const open = await client();
    await answerTo(open, 'one');
    proxy.freeze();
    const late = await client();
    const answers = [answerTo(open, 'two'), answerTo(late, 'three')];
    expect(await Promise.all(answers.map(orSilence))).toEqual([SILENT, SILENT]);
    expect(open.destroyed).toBe(false);
    proxy.thaw('passes');
    expect(await Promise.all(answers)).toEqual(['two', 'three']);
  });

  it('resets what was held when told to', async () => {
    const open = await client();
    await answerTo(open, 'one');
    proxy.freeze();
    const late = await client();
    const ends = [closed(open), closed(late)];
    proxy.thaw('is reset');
    await Promise.all(ends);
    expect(await answerTo(await client(), 'four')).toBe('four');
  });
});
